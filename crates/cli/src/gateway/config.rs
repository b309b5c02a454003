//! The configuration of a gateway: its options, checked against each other.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;
use http::header::AUTHORIZATION;
use tower_rotating_auth::Secret;
use tower_rotating_auth::source::{SourceConfig, SourceError};

use super::args::GatewayArgs;
use super::auth::AuthConfig;
use super::edge::cors::{Origin, named};
use super::limits::ProxyLimits;
use super::proxy::address::base_url::Base;
use super::proxy::headers::{HeaderPolicy, belongs_to_the_connection};
use super::server::ServerLimits;
use super::server::tls::Files;
use crate::error::Error;
use crate::open_files::fit;

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) limits: Limits,
    pub(crate) headers: HeaderPolicy,
    /// When to stop without a signal, if at all.
    pub(crate) end_after: Option<Duration>,
    pub(crate) server: Server,
    pub(crate) upstream: Upstream,
}

/// The side of the gateway that faces clients.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) tls: Option<Files>,
    pub(crate) cors: Vec<Origin>,
    pub(crate) auth: AuthConfig,
}

/// Intervals, timeouts and other limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How often to read key files.
    pub(crate) poll: Duration,
    /// How long requests are served with the last key set while its source fails.
    pub(crate) max_stale: Duration,
    /// How long the upstream may be silent.
    pub(crate) upstream: Duration,
    /// How long open requests may take to finish after a signal to stop.
    pub(crate) drain: Duration,
    pub(crate) server: ServerLimits,
    pub(crate) proxy: ProxyLimits,
}

/// The upstream, and its key.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) base: Base,
    pub(crate) header: KeyHeader,
    pub(crate) key: KeyFrom,
    /// How long the previous key stays usable once the upstream has accepted the new one.
    pub(crate) overlap: Duration,
}

/// The header that carries the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header with the bare key.
    Bare(HeaderName),
}

#[derive(Debug)]
pub(crate) enum KeyFrom {
    File(PathBuf),
    Source(Box<SourceConfig>),
    Environment(Secret),
}

impl Config {
    pub(crate) fn from_args(args: GatewayArgs) -> Result<Self, Error> {
        let key = std::env::var("OPENAI_API_KEY").ok();
        let upstream = Upstream::decide(
            args.upstream,
            args.upstream_key_file,
            args.upstream_key,
            key,
            &args.upstream_header,
            args.upstream_key_overlap,
        )?;
        let end_after = args.auth.development_for();
        let auth = AuthConfig::decide(args.auth, args.listen)?;
        if matches!(auth, AuthConfig::Open(_)) && named(&args.cors).is_none() {
            return Err(usage(
                "--cors * would let every web page use the upstream's key in development mode; name \
                 the origins",
            ));
        }
        Ok(Self {
            headers: args.headers.policy(upstream.header.name())?,
            end_after,
            listen: args.listen,
            admin_listen: args.admin_listen,
            limits: Limits {
                poll: args.poll_interval,
                max_stale: args.limits.max_stale(),
                upstream: args.upstream_timeout,
                drain: args.drain_timeout,
                server: args.limits.server(),
                proxy: args.limits.proxy(),
            },
            server: Server {
                tls: Files::decide(args.tls_cert, args.tls_key)?,
                cors: args.cors,
                auth,
            },
            upstream,
        })
    }
}

impl Limits {
    /// Lowers the limits to what fits into a limit of open files. Returns whether that was needed.
    pub(super) fn fit(&mut self, open_files: Option<u64>) -> bool {
        let (connections, requests) = (self.server.connections, self.proxy.requests);
        let fitting = fit(connections, requests, open_files);
        (self.server.connections, self.proxy.requests) = fitting;
        fitting != (connections, requests)
    }
}

impl Upstream {
    /// Treats a variable that is set to the empty string as unset.
    fn decide(
        base: Option<String>,
        file: Option<OsString>,
        source: Option<OsString>,
        key: Option<String>,
        header: &str,
        overlap: Duration,
    ) -> Result<Self, Error> {
        let file = file.filter(|path| !path.is_empty()).map(PathBuf::from);
        let key = key.filter(|key| !key.trim().is_empty());
        let base = base.filter(|url| !url.is_empty()).ok_or_else(|| {
            usage("no upstream; pass --upstream URL (OPENAI_API_BASE_URL), or run `rotating-auth demo` to try it out")
        })?;
        let source = source.filter(|source| !source.is_empty());
        let key = match (file, source, key) {
            (Some(path), None, None) => KeyFrom::File(path),
            (None, Some(source), None) => KeyFrom::Source(Box::new(parse_source(&source)?)),
            (None, None, Some(key)) => KeyFrom::Environment(Secret::from(key.trim())),
            (None, None, None) => {
                return Err(usage(
                    "no key for the upstream; pass --upstream-key-file PATH (OPENAI_API_KEY_FILE) or \
                     --upstream-key SOURCE, or set OPENAI_API_KEY",
                ));
            }
            (file, source, key) => {
                let set = [
                    file.map(|_| "--upstream-key-file (OPENAI_API_KEY_FILE)"),
                    source.map(|_| "--upstream-key (GATEWAY_UPSTREAM_KEY)"),
                    key.map(|_| "OPENAI_API_KEY"),
                ];
                let set: Vec<_> = set.into_iter().flatten().collect();
                return Err(Error::usage(format!(
                    "two upstream keys: {} are both set; unset one of them",
                    set.join(" and ")
                )));
            }
        };
        let invalid = |why| Error::usage(format!("--upstream: {why}"));
        Ok(Self {
            base: Base::parse(&base).map_err(invalid)?,
            header: KeyHeader::parse(header)?,
            key,
            overlap,
        })
    }
}

impl KeyHeader {
    pub(super) fn name(&self) -> HeaderName {
        match self {
            Self::Bearer => AUTHORIZATION,
            Self::Bare(name) => name.clone(),
        }
    }

    fn parse(name: &str) -> Result<Self, Error> {
        match name.parse() {
            Ok(AUTHORIZATION) => Ok(Self::Bearer),
            Ok(name) if !belongs_to_the_connection(&name) => Ok(Self::Bare(name)),
            _ => Err(usage(
                "--upstream-header: this header cannot carry a key; use one such as x-api-key",
            )),
        }
    }
}

/// Parses a source. The error does not contain the text, which may be a key.
fn parse_source(source: &OsStr) -> Result<SourceConfig, Error> {
    let source = source.to_str().map(str::parse);
    let source = source.ok_or_else(|| usage("--upstream-key: not UTF-8"))?;
    source.map_err(|error: SourceError| Error::usage(format!("--upstream-key: {error}")))
}

fn usage(message: &str) -> Error {
    Error::usage(message)
}

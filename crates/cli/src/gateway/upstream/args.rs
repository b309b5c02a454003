//! Options and environment variables about the upstream.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use http::header::AUTHORIZATION;
use tower_rotating_auth::Secret;
use tower_rotating_auth::outbound::AuthScheme;
use tower_rotating_auth::source::{SourceConfig, SourceError};

use super::settings::{KeyFrom, KeyHeader, Upstream};
use crate::error::Error;
use crate::gateway::proxy::address::base_url::{Base, Cleartext, Prefix};
use crate::gateway::proxy::headers::belongs_to_the_connection;
use crate::gateway::proxy::trusted_ca::TrustedCa;
use crate::gateway::server::tls::Files;
use crate::gateway::units::{seconds, seconds_or_none};

/// Options about the upstream.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct UpstreamArgs {
    /// Base URL of the upstream. If it ends in /v1, clients ask for /v1/..., which does not double
    /// it.
    ///
    /// Other paths then get 404.
    ///
    /// Must be https, or http to a loopback address, so that no key crosses a network in cleartext;
    /// see --upstream-cleartext. `unix:/run/server.sock` or `unix:/run/server.sock:/v1` is a Unix
    /// socket.
    #[arg(
        long,
        value_name = "URL",
        env = "OPENAI_API_BASE_URL",
        hide_env_values = true
    )]
    pub(crate) upstream: Option<String>,

    /// Name of the upstream in the log and in /readyz.
    #[arg(long, value_name = "NAME", env = "GATEWAY_UPSTREAM_NAME", value_parser = name)]
    upstream_name: Option<String>,

    /// Path under which the gateway serves the upstream, such as /openai. The upstream gets
    /// requests without it.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_UPSTREAM_PATH",
        default_value = "/"
    )]
    upstream_path: Prefix,

    /// Allow a base URL that is http on another host. Its key crosses the network in cleartext.
    #[arg(long, env = "GATEWAY_UPSTREAM_CLEARTEXT")]
    upstream_cleartext: bool,

    /// Certificates to trust instead of the system's, a PEM file. It is read at start and at each
    /// reload.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_UPSTREAM_CA",
        hide_env_values = true
    )]
    upstream_ca: Option<TrustedCa>,

    /// Certificate chain that the gateway presents to the upstream, a PEM file. The gateway watches
    /// it.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_UPSTREAM_TLS_CERT",
        hide_env_values = true
    )]
    upstream_tls_cert: Option<OsString>,

    /// Private key of the certificate for the upstream, a PEM file. While the two files do not
    /// match, the gateway keeps the last pair that did.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_UPSTREAM_TLS_KEY",
        hide_env_values = true
    )]
    upstream_tls_key: Option<OsString>,

    /// File that holds the upstream's key and nothing else. The gateway watches it and follows
    /// changes. If the content becomes unusable, the last good key stays current.
    #[arg(
        long,
        value_name = "PATH",
        env = "OPENAI_API_KEY_FILE",
        hide_env_values = true
    )]
    upstream_key_file: Option<OsString>,

    /// Source of the upstream's key, in place of --upstream-key-file: file:PATH, env:NAME,
    /// exec:PROGRAM, https://HOST/PATH#/pointer or vault:MOUNT/PATH#FIELD.
    ///
    /// After the # of an endpoint comes a JSON pointer to the key. Vault's address and login come
    /// from VAULT_ADDR, and from VAULT_TOKEN or the file that VAULT_TOKEN_FILE names. An example is
    /// `--upstream-key vault:secret/openai#api_key`.
    #[arg(
        long,
        value_name = "SOURCE",
        env = "GATEWAY_UPSTREAM_KEY",
        hide_env_values = true
    )]
    upstream_key: Option<OsString>,

    /// Header for the key: `authorization` carries `Bearer KEY`, any other header the bare key.
    #[arg(
        long,
        value_name = "NAME",
        env = "GATEWAY_UPSTREAM_HEADER",
        default_value = "authorization",
        hide_env_values = true
    )]
    upstream_header: String,

    /// Word before the key in `authorization`, such as Token. Defaults to Bearer.
    #[arg(long, value_name = "SCHEME", env = "GATEWAY_UPSTREAM_SCHEME")]
    upstream_scheme: Option<AuthScheme>,

    /// How long the previous key stays usable once the upstream has accepted the new one.
    ///
    /// Until then, it stays in use while the upstream accepts it.
    ///
    /// Use 0 if the upstream accepts each new key before the file has it.
    #[arg(
        long,
        value_name = "DURATION",
        env = "GATEWAY_UPSTREAM_KEY_OVERLAP",
        default_value = "300",
        value_parser = seconds_or_none
    )]
    upstream_key_overlap: Duration,

    /// Status that rejects the key, besides 401, such as 403. Repeatable.
    #[arg(long, value_name = "STATUS", value_parser = client_error)]
    upstream_rejected_by: Vec<StatusCode>,

    /// How long the upstream may be silent before it answers, or between two parts of a stream.
    ///
    /// The total duration of a stream has no limit.
    #[arg(
        long,
        value_name = "DURATION",
        env = "GATEWAY_UPSTREAM_TIMEOUT",
        default_value = "600",
        value_parser = seconds
    )]
    upstream_timeout: Duration,
}

impl Upstream {
    /// Checks the options against each other. `key` is the key itself, from the environment. Treats
    /// a variable that is set to the empty string as unset.
    pub(crate) fn from_args(args: UpstreamArgs, key: Option<String>) -> Result<Self, Error> {
        let key = key.filter(|key| !key.trim().is_empty());
        let key = key.map(|key| KeyFrom::Environment(Secret::from(key.trim())));
        Self::with_key(args, key)
    }

    /// Checks the options against each other, and against a key that none of them names.
    pub(crate) fn with_key(args: UpstreamArgs, key: Option<KeyFrom>) -> Result<Self, Error> {
        let base = args.upstream.filter(|url| !url.is_empty()).ok_or_else(|| {
            Error::usage("no upstream; pass --upstream URL (OPENAI_API_BASE_URL), or run `rotating-auth demo` to try it out")
        })?;
        let cleartext = match args.upstream_cleartext {
            true => Cleartext::Anywhere,
            false => Cleartext::Loopback,
        };
        let base = Base::parse(&base, cleartext)
            .map_err(|why| Error::usage(format!("--upstream: {why}")))?;
        let key = key_from(args.upstream_key_file, args.upstream_key, key)?;
        Ok(Self {
            name: args.upstream_name.map(Into::into),
            base: base.under(args.upstream_path),
            header: header(&args.upstream_header, args.upstream_scheme)?,
            key,
            overlap: args.upstream_key_overlap,
            rejected_by: args.upstream_rejected_by,
            timeout: args.upstream_timeout,
            ca: args.upstream_ca,
            identity: Files::decide(
                args.upstream_tls_cert,
                args.upstream_tls_key,
                "--upstream-tls-cert and --upstream-tls-key",
            )?,
        })
    }
}

fn path(given: Option<OsString>) -> Option<PathBuf> {
    given.filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Returns the one place of the key.
fn key_from(
    file: Option<OsString>,
    source: Option<OsString>,
    key: Option<KeyFrom>,
) -> Result<KeyFrom, Error> {
    let file = path(file);
    let source = source.filter(|source| !source.is_empty());
    match (file, source, key) {
        (Some(path), None, None) => Ok(KeyFrom::File(path)),
        (None, Some(source), None) => Ok(KeyFrom::Source(Box::new(parse_source(&source)?))),
        (None, None, Some(key)) => Ok(key),
        (None, None, None) => Err(Error::usage(
            "no key for the upstream; pass --upstream-key-file PATH (OPENAI_API_KEY_FILE) or \
             --upstream-key SOURCE, or set OPENAI_API_KEY",
        )),
        (file, source, key) => {
            let set = [
                file.map(|_| "--upstream-key-file (OPENAI_API_KEY_FILE)"),
                source.map(|_| "--upstream-key (GATEWAY_UPSTREAM_KEY)"),
                key.map(|key| match key {
                    KeyFrom::Environment(_) => "OPENAI_API_KEY",
                    _ => "a table `key`",
                }),
            ];
            let set: Vec<_> = set.into_iter().flatten().collect();
            Err(Error::usage(format!(
                "two upstream keys: {} are both set; unset one of them",
                set.join(" and ")
            )))
        }
    }
}

fn header(name: &str, scheme: Option<AuthScheme>) -> Result<KeyHeader, Error> {
    match (name.parse(), scheme) {
        (Ok(AUTHORIZATION), scheme) => Ok(KeyHeader::Scheme(scheme.unwrap_or(AuthScheme::BEARER))),
        (Ok(name), None) if !belongs_to_the_connection(&name) => Ok(KeyHeader::Bare(name)),
        (Ok(_), Some(_)) => Err(Error::usage(
            "--upstream-scheme: only the header authorization has a scheme; leave out one of \
             --upstream-scheme and --upstream-header",
        )),
        _ => Err(Error::usage(
            "--upstream-header: this header cannot carry a key; use one such as x-api-key",
        )),
    }
}

/// Parses a source. The error does not contain the text, which may be a key.
fn parse_source(source: &OsStr) -> Result<SourceConfig, Error> {
    let source = source.to_str().map(str::parse);
    let source = source.ok_or_else(|| Error::usage("--upstream-key: not UTF-8"))?;
    source.map_err(|error: SourceError| Error::usage(format!("--upstream-key: {error}")))
}

/// Parses a status of the 400s.
fn client_error(text: &str) -> Result<StatusCode, &'static str> {
    text.parse()
        .ok()
        .filter(StatusCode::is_client_error)
        .ok_or("must be a status from 400 to 499")
}

/// Parses a name that is easy to find in a log.
fn name(text: &str) -> Result<String, &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 letters, digits, - _ or .")
    }
}

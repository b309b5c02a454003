//! The settings of one upstream.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderName, StatusCode};
use tower_rotating_auth::Secret;
use tower_rotating_auth::outbound::AuthScheme;
use tower_rotating_auth::source::SourceConfig;

use crate::gateway::proxy::address::base_url::Base;
use crate::gateway::proxy::trusted_ca::TrustedCa;
use crate::gateway::server::tls::Files;

/// An upstream, and its key.
#[derive(Debug, PartialEq)]
pub(crate) struct Upstream {
    /// Its name in events, if there are several.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) base: Base,
    pub(crate) header: KeyHeader,
    pub(crate) key: KeyFrom,
    /// How long the previous key stays usable once the upstream has accepted the new one.
    pub(crate) overlap: Duration,
    /// Statuses that reject the key, besides 401.
    pub(crate) rejected_by: Vec<StatusCode>,
    /// How long the upstream may be silent.
    pub(crate) timeout: Duration,
    /// The certificates to trust instead of the system's.
    pub(crate) ca: Option<TrustedCa>,
    /// The certificate that the gateway presents.
    pub(crate) identity: Option<Files>,
}

/// The header that carries the key.
#[derive(Debug, PartialEq)]
pub(crate) enum KeyHeader {
    /// `Authorization: SCHEME KEY`.
    Scheme(AuthScheme),
    /// A header with the bare key.
    Bare(HeaderName),
}

/// The source of the key.
#[derive(Debug, PartialEq)]
pub(crate) enum KeyFrom {
    File(PathBuf),
    Source(Box<SourceConfig>),
    /// `OPENAI_API_KEY`
    Environment(Secret),
}

impl Upstream {
    /// Returns whether a key that was opened with other settings is the same key. Another server
    /// must not get a key that was meant for the first.
    pub(crate) fn has_key_of(&self, other: &Self) -> bool {
        self.base.has_server_of(&other.base)
            && (&self.name, &self.header, &self.key, self.overlap)
                == (&other.name, &other.header, &other.key, other.overlap)
    }

    /// Returns what the log calls the upstream: its name, or its origin.
    pub(crate) fn label(&self) -> Arc<str> {
        match &self.name {
            Some(name) => Arc::clone(name),
            None => self.base.origin().into(),
        }
    }

    /// Returns what events and `/readyz` call its certificate, without what part of it.
    pub(crate) fn tls_name(&self) -> String {
        match &self.name {
            Some(name) => format!("upstream-tls/{name}"),
            None => "upstream-tls".to_owned(),
        }
    }

    /// Returns what events and `/readyz` call its key.
    pub(crate) fn key_name(&self) -> String {
        match &self.name {
            Some(name) => format!("upstream-key/{name}"),
            None => "upstream-key".to_owned(),
        }
    }
}

/// Formats where requests go, and where the key comes from.
impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self.base.prefix() {
            "" => "/",
            prefix => prefix,
        };
        match &self.name {
            Some(name) => write!(f, "upstream {name} on {path}: ")?,
            None => write!(f, "upstream on {path}: ")?,
        }
        write!(f, "{}, key from {} in {}", self.base, self.key, self.header)
    }
}

impl fmt::Display for KeyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme(scheme) => write!(f, "authorization ({})", scheme.as_str()),
            Self::Bare(name) => write!(f, "{name}"),
        }
    }
}

impl KeyHeader {
    pub(crate) fn name(&self) -> HeaderName {
        match self {
            Self::Scheme(_) => AUTHORIZATION,
            Self::Bare(name) => name.clone(),
        }
    }
}

/// Formats the place of the key, without the key.
impl fmt::Display for KeyFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(_) => f.write_str("OPENAI_API_KEY"),
            Self::Source(source) => match &**source {
                SourceConfig::Env { name, .. } => write!(f, "env:{name}"),
                SourceConfig::File { path, .. } => write!(f, "{}", path.display()),
                SourceConfig::Exec(_) => f.write_str("a command"),
                SourceConfig::Http(_) => f.write_str("an endpoint"),
                SourceConfig::Vault(_) => f.write_str("Vault"),
                _ => f.write_str("a source"),
            },
        }
    }
}

//! An HTTP endpoint in a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;

use super::SourceConfig;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::http::{Endpoint, HttpClient, HttpSource};
use crate::source::source_trait::Source;

/// An HTTP endpoint, as [`HttpSource`] asks it.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct HttpConfig {
    /// The URL. It may hold no secret.
    pub url: String,
    /// Sets [`HttpSource::pointer`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub pointer: Option<String>,
    /// Sets [`HttpSource::expires_in`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub expires_in: Option<String>,
    /// Sets [`HttpSource::expires_at`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub expires_at: Option<String>,
    /// Where the token of an `Authorization: Bearer` comes from.
    #[cfg_attr(feature = "serde", serde(default))]
    pub bearer: Option<Box<SourceConfig>>,
    /// Where the values of further headers come from, by their names.
    #[cfg_attr(feature = "serde", serde(default))]
    pub headers: BTreeMap<String, SourceConfig>,
    /// The certificates to trust instead of the system's, a PEM file.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ca_file: Option<PathBuf>,
    /// Calls [`HttpSource::allow_any_content`]. Defaults to `false`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub any_content: bool,
    /// Whether the URL may be `http` to any host. Defaults to `false`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub cleartext: bool,
    /// Sets [`HttpSource::poll`].
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "super::duration::deserialize")
    )]
    pub poll_interval: Option<Duration>,
}

impl HttpConfig {
    /// Creates the configuration of an endpoint whose whole answer is the key.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    pub(crate) fn source(self) -> Result<impl Source<Value = Secret> + use<>, SourceError> {
        let endpoint = endpoint(&self.url, self.cleartext)?;
        let mut source = HttpSource::new(endpoint)?.client(client(self.ca_file)?);
        if let Some(pointer) = self.pointer {
            source = source.pointer(pointer);
        }
        source = match (self.expires_in, self.expires_at) {
            (None, None) => source,
            (Some(pointer), None) => source.expires_in(pointer),
            (None, Some(pointer)) => source.expires_at(pointer),
            (Some(_), Some(_)) => {
                return Err(SourceError::invalid(
                    "`expires_in` and `expires_at` are both set; name one of them",
                ));
            }
        };
        if let Some(bearer) = self.bearer {
            source = source.bearer(bearer.into_source());
        }
        for (name, value) in self.headers {
            let name: HeaderName = name
                .parse()
                .map_err(|_| SourceError::invalid(format!("{name:?} is no name of a header")))?;
            source = source.header_from(name, value.into_source());
        }
        if self.any_content {
            source = source.allow_any_content();
        }
        if let Some(poll) = self.poll_interval {
            source = source.poll(poll);
        }
        Ok(source)
    }
}

pub(crate) fn endpoint(url: &str, cleartext: bool) -> Result<Endpoint, SourceError> {
    match cleartext {
        true => Endpoint::cleartext(url),
        false => url.parse(),
    }
}

/// Creates the default client. The certificates are read once, at the start.
pub(crate) fn client(ca_file: Option<PathBuf>) -> Result<HttpClient, SourceError> {
    let Some(path) = ca_file else {
        return Ok(HttpClient::default());
    };
    let pem = fs::read(&path).map_err(|error| {
        SourceError::permanent(format!("{path:?} could not be read")).with_source(error)
    })?;
    HttpClient::with_root_certificates(&pem)
}

/// Shows the origin of the URL alone: some URLs hold a secret, although they should not.
impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = Endpoint::cleartext(&self.url).map(|endpoint| endpoint.to_string());
        f.debug_struct("HttpConfig")
            .field("origin", &origin.ok())
            .field("pointer", &self.pointer)
            .field("expires_in", &self.expires_in)
            .field("expires_at", &self.expires_at)
            .field("bearer", &self.bearer)
            .field("headers", &self.headers)
            .field("ca_file", &self.ca_file)
            .field("any_content", &self.any_content)
            .field("cleartext", &self.cleartext)
            .field("poll_interval", &self.poll_interval)
            .finish()
    }
}

//! The URL that a source asks, and whether a secret may be sent to it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

use crate::source::error::SourceError;

/// The URL of an HTTP endpoint that a source asks.
///
/// It is `https`, or `http` to a loopback address. [`Endpoint::cleartext`] allows `http` to any
/// host. Its [`Debug`](fmt::Debug) and all errors show the origin alone: some URLs hold a secret.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::source::{Endpoint, SourceError};
///
/// let endpoint: Endpoint = "https://keys.example.com/v1/key?client=batch".parse()?;
/// assert_eq!(format!("{endpoint:?}"), "Endpoint(https://keys.example.com)");
///
/// assert!("http://keys.internal/v1/key".parse::<Endpoint>().is_err());
/// assert!(Endpoint::cleartext("http://keys.internal/v1/key").is_ok());
/// assert!("http://127.0.0.1:8200/v1/key".parse::<Endpoint>().is_ok());
/// # Ok::<_, SourceError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    uri: Uri,
}

impl Endpoint {
    /// Parses an endpoint that may be `http` to any host, for networks that nobody else is on.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] if this is no absolute URL of `http`
    /// or `https`, or if it contains a user name.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    pub fn cleartext(url: &str) -> Result<Self, SourceError> {
        let no_url = || SourceError::invalid("not the URL of an endpoint; write https://HOST/PATH");
        let uri: Uri = url.parse().map_err(|_| no_url())?;
        if !matches!(uri.scheme_str(), Some("http" | "https"))
            || uri.host().is_none_or(str::is_empty)
        {
            return Err(no_url());
        }
        let authority = uri.authority();
        if authority.is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(SourceError::invalid(
                "the URL of an endpoint must not contain a user name or a password",
            ));
        }
        Ok(Self { uri })
    }

    pub(crate) const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the endpoint with another path, which starts with a slash and needs no escapes.
    pub(crate) fn with_path(&self, path: &str) -> Result<Self, SourceError> {
        let base = self.uri.path().trim_end_matches('/');
        let mut parts = self.uri.clone().into_parts();
        let path = format!("{base}{path}").parse();
        parts.path_and_query =
            Some(path.map_err(|_| {
                SourceError::invalid("the path has characters that a URL cannot hold")
            })?);
        let uri = Uri::from_parts(parts);
        let uri = uri.map_err(|_| SourceError::invalid("the path does not fit the URL"))?;
        Ok(Self { uri })
    }

    fn is_safe(&self) -> bool {
        let host = self.uri.host().unwrap_or_default();
        self.uri.scheme_str() == Some("https") || is_loopback(host)
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl FromStr for Endpoint {
    type Err = SourceError;

    /// Parses an endpoint that is `https`, or `http` to a loopback address.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] for anything else. It does not contain
    /// the text.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    fn from_str(url: &str) -> Result<Self, SourceError> {
        let endpoint = Self::cleartext(url)?;
        if endpoint.is_safe() {
            return Ok(endpoint);
        }
        Err(SourceError::invalid(
            "the endpoint is http, so that others could read the key on its way; use https, or \
             `Endpoint::cleartext` (`cleartext = true`) in a network that nobody else is on",
        ))
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = SourceError;

    /// Parses an endpoint as [`FromStr`] does.
    fn try_from(url: &str) -> Result<Self, SourceError> {
        url.parse()
    }
}

impl fmt::Display for Endpoint {
    /// Writes the origin alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        write!(f, "{scheme}://{authority}")
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_is_https_or_loopback() {
        for allowed in [
            "https://keys.example.com/v1",
            "https://10.0.0.1",
            "http://127.0.0.1:8200/v1/secret",
            "http://127.9.9.9",
            "http://[::1]:8200",
            "http://localhost:8200",
        ] {
            assert!(allowed.parse::<Endpoint>().is_ok(), "{allowed}");
        }
        for refused in [
            "http://keys.example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
        ] {
            let error = refused.parse::<Endpoint>().unwrap_err();
            assert!(!error.to_string().contains(refused), "{error}");
            assert!(Endpoint::cleartext(refused).is_ok(), "{refused}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for refused in [
            "",
            "sk-1",
            "/v1/sk-1",
            "keys.example.com",
            "ftp://keys.example.com",
            "https://",
            "https://user:sk-1@keys.example.com",
            "https://keys example.com",
        ] {
            let error = Endpoint::cleartext(refused).unwrap_err();
            assert!(!error.to_string().contains("sk-1"), "{error}");
        }
    }

    #[test]
    fn path_is_added_to_the_one_of_the_base() {
        for (base, expected) in [
            (
                "https://vault.example.com",
                "https://vault.example.com/v1/a",
            ),
            (
                "https://vault.example.com/",
                "https://vault.example.com/v1/a",
            ),
            (
                "https://example.com/vault/",
                "https://example.com/vault/v1/a",
            ),
        ] {
            let endpoint: Endpoint = base.parse().unwrap();
            let endpoint = endpoint.with_path("/v1/a").unwrap();
            assert_eq!(endpoint.uri().to_string(), expected);
        }
    }
}

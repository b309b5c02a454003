//! A key, and the place that it is for.

use std::fmt;

use http::Uri;

use super::origin::Origin;
use crate::outbound::error::{ConfigError, ConfigErrorKind};
use crate::outbound::rotating_credential::RotatingCredential;
use crate::syntax::path::is_plain;

/// A key, and the place that it is for: an origin, or the part of one under a path.
///
/// `/v1` and `/v1/models` are under `/v1`; `/v10` and `/V1` are not. A path that servers could read
/// in two ways is under no path: one with dot segments, empty segments, escaped slashes or needless
/// escapes. If an origin has routes by path, a request to it with such a path gets no key.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{Secret, outbound::{RotatingCredential, ConfigErrorKind, Credential, Route}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
/// let route = Route::new("https://Gateway.example.com:443/openai/", key.clone())?;
/// assert_eq!(route.to_string(), "https://gateway.example.com/openai");
///
/// let above = Route::new("https://gateway.example.com/openai/../anthropic", key);
/// assert_eq!(above.unwrap_err().kind(), ConfigErrorKind::RoutePath);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Route {
    pub(crate) origin: Origin,
    pub(crate) prefix: Prefix,
    pub(crate) key: RotatingCredential,
}

/// The path that others are under: whole segments, without a slash at the end. Empty if all paths
/// are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix(Box<str>);

/// The relation of a path to a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteMatch {
    Under,
    Beside,
    /// Servers may read it either way.
    Unclear,
}

impl Route {
    /// Creates a route for a URL such as `https://gateway.example.com/openai`. Its path counts.
    ///
    /// # Errors
    ///
    /// Returns the kinds of error that [`cleartext`](Self::cleartext) returns, and
    /// [`ConfigErrorKind::Cleartext`] if the URL is `http` to a host that is not loopback.
    pub fn new(url: impl AsRef<str>, key: RotatingCredential) -> Result<Self, ConfigError> {
        let mut route = Self::cleartext(url, key)?;
        route.origin = route.origin.if_safe()?;
        Ok(route)
    }

    /// Creates a route for a URL that may be `http` to any host, for networks that nobody else is
    /// on.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`ConfigErrorKind::InvalidUrl`], [`ConfigErrorKind::UrlScheme`] or
    /// [`ConfigErrorKind::UserInfo`] if the URL has no such origin. Returns
    /// [`ConfigErrorKind::RoutePath`] if its path is not made of plain segments, or if it has a
    /// query.
    pub fn cleartext(url: impl AsRef<str>, key: RotatingCredential) -> Result<Self, ConfigError> {
        let url = url.as_ref();
        let uri: Uri = url.parse().map_err(|_| ConfigErrorKind::InvalidUrl)?;
        let origin = Origin::from_uri(&uri)?;
        if uri.query().is_some() || url.contains('#') {
            return Err(ConfigErrorKind::RoutePath.into());
        }
        let prefix = Prefix::parse(uri.path())?;
        Ok(Self {
            origin,
            prefix,
            key,
        })
    }

    /// Creates a route for the whole of an origin.
    pub(crate) fn whole(origin: Origin, key: RotatingCredential) -> Self {
        Self {
            origin,
            prefix: Prefix::all(),
            key,
        }
    }

    /// Returns whether both routes are for one place.
    pub(crate) fn is_for_the_same_as(&self, other: &Self) -> bool {
        (&self.origin, &self.prefix) == (&other.origin, &other.prefix)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.prefix.0)
    }
}

impl Prefix {
    fn all() -> Self {
        Self("".into())
    }

    fn parse(path: &str) -> Result<Self, ConfigError> {
        if !is_plain(path) || path.contains('%') {
            return Err(ConfigErrorKind::RoutePath.into());
        }
        Ok(Self(path.strip_suffix('/').unwrap_or(path).into()))
    }

    /// Returns the length. If a path is under two prefixes, the longer one is more specific.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn judge(&self, path: &str) -> RouteMatch {
        if self.0.is_empty() {
            return RouteMatch::Under;
        }
        if !is_plain(path) {
            return RouteMatch::Unclear;
        }
        let mut theirs = path.split('/');
        for ours in self.0.split('/') {
            match theirs.next() {
                Some(segment) if segment == ours => {}
                Some(escaped) if escaped.contains('%') => return RouteMatch::Unclear,
                _ => return RouteMatch::Beside,
            }
        }
        RouteMatch::Under
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(prefix: &str, path: &str) -> RouteMatch {
        Prefix::parse(prefix).unwrap().judge(path)
    }

    #[test]
    fn prefix_matches_whole_segments() {
        for (prefix, path, verdict) in [
            ("/", "/", RouteMatch::Under),
            ("/", "/../%2e/", RouteMatch::Under),
            ("/v1", "/v1", RouteMatch::Under),
            ("/v1", "/v1/", RouteMatch::Under),
            ("/v1/", "/v1", RouteMatch::Under),
            ("/v1", "/v1/a%20b", RouteMatch::Under),
            ("/v1/a", "/v1/a/b", RouteMatch::Under),
            ("/v1", "/", RouteMatch::Beside),
            ("/v1", "/v10", RouteMatch::Beside),
            ("/v1", "/v", RouteMatch::Beside),
            ("/v1", "/V1/a", RouteMatch::Beside),
            ("/v1/a", "/v1", RouteMatch::Beside),
            ("/v1/a", "/v2/%C3%A4", RouteMatch::Beside),
        ] {
            assert_eq!(judge(prefix, path), verdict, "{path} under {prefix}");
        }
    }

    #[test]
    fn ambiguous_path_is_under_no_prefix() {
        for path in [
            "",
            "*",
            "/v1/../admin",
            "/v1/./a",
            "/x/../v1",
            "/v1/..",
            "/v1/%2e%2e/admin",
            "/v1/%2E./admin",
            "/v1/..%2fadmin",
            "/v1%2fa",
            "/v1/a%2fb",
            "/v1/a%5c..%5cb",
            "/v1/a\\b",
            "//v1",
            "/v1//a",
            "/%76%31/a",
            "/v%31",
            "/v1/%252e%252e/a",
            "/v1;x/a",
            "/v1/..;/admin",
            "/v1/a%00",
            "/v1%20/a",
            "/%C3%A4/a",
            "/a%3Ab",
        ] {
            assert_eq!(judge("/v1", path), RouteMatch::Unclear, "{path}");
        }
    }

    #[test]
    fn prefix_must_be_plain_without_escapes() {
        for path in ["/a/../b", "/a//b", "/a%20b", "/a;b", "/a/.", "//"] {
            let error = Prefix::parse(path).unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::RoutePath, "{path}");
        }
    }
}

//! Where one key goes.

use std::fmt;

use http::Uri;

use super::origin::{InvalidOrigin, Origin};
use crate::outbound::credential::Credential;
use crate::path::is_plain;
use crate::rotating::Rotating;

/// A key, and where it goes: to an origin, or to what is under a path of it.
///
/// Under `/v1` are `/v1` and `/v1/models`, and neither `/v10` nor `/V1`. A path that could be read in another way than
/// it stands there (dot segments, empty segments, escapes of what needs none or of a slash) is under none: a request
/// with such a path to an origin that has routes by path goes out without a key.
///
/// ```
/// use tower_rotating_auth::{Rotating, Secret, outbound::{Credential, InvalidOrigin, Route}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (key, _publisher) = Rotating::manual(Credential::bearer(&Secret::from("sk-1"))?);
/// let route = Route::new("https://Gateway.example.com:443/openai/", key.clone())?;
/// assert_eq!(route.to_string(), "https://gateway.example.com/openai");
///
/// let above = Route::new("https://gateway.example.com/openai/../anthropic", key);
/// assert_eq!(above.err(), Some(InvalidOrigin::Path));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Route {
    pub(crate) origin: Origin,
    pub(crate) prefix: Prefix,
    pub(crate) key: Rotating<Credential>,
}

/// The path that others are under: whole segments and no slash at the end; nothing where all are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix(Box<str>);

/// Whether a path is under a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Under,
    Beside,
    /// Whoever serves it may read it in either way.
    Unclear,
}

impl Route {
    /// The key for a URL such as `https://api.example.com`, or `https://gateway.example.com/openai`, whose path counts.
    ///
    /// # Errors
    ///
    /// When it is no origin that a key may go to, or its path has anything but plain segments.
    pub fn new(url: impl AsRef<str>, key: Rotating<Credential>) -> Result<Self, InvalidOrigin> {
        let mut route = Self::cleartext(url, key)?;
        route.origin = route.origin.if_safe()?;
        Ok(route)
    }

    /// The key for a URL that may be `http` off loopback: for networks that nobody else is on.
    ///
    /// # Errors
    ///
    /// When it is not an origin, or its path has anything but plain segments.
    pub fn cleartext(
        url: impl AsRef<str>,
        key: Rotating<Credential>,
    ) -> Result<Self, InvalidOrigin> {
        let url = url.as_ref();
        let uri: Uri = url.parse().map_err(|_| InvalidOrigin::NotAUrl)?;
        let origin = Origin::of(&uri)?;
        if uri.query().is_some() || url.contains('#') {
            return Err(InvalidOrigin::Path);
        }
        let prefix = Prefix::parse(uri.path())?;
        Ok(Self {
            origin,
            prefix,
            key,
        })
    }

    /// The key for the whole of an origin.
    pub(crate) fn whole(origin: Origin, key: Rotating<Credential>) -> Self {
        Self {
            origin,
            prefix: Prefix::all(),
            key,
        }
    }

    /// Whether both are for one place.
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

    fn parse(path: &str) -> Result<Self, InvalidOrigin> {
        if !is_plain(path) || path.contains('%') {
            return Err(InvalidOrigin::Path);
        }
        Ok(Self(path.strip_suffix('/').unwrap_or(path).into()))
    }

    /// How long it is: the longer one is the more particular, if both are on the way to one path.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn judge(&self, path: &str) -> Verdict {
        if self.0.is_empty() {
            return Verdict::Under;
        }
        if !is_plain(path) {
            return Verdict::Unclear;
        }
        let mut theirs = path.split('/');
        for ours in self.0.split('/') {
            match theirs.next() {
                Some(segment) if segment == ours => {}
                Some(escaped) if escaped.contains('%') => return Verdict::Unclear,
                _ => return Verdict::Beside,
            }
        }
        Verdict::Under
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(prefix: &str, path: &str) -> Verdict {
        Prefix::parse(prefix).unwrap().judge(path)
    }

    #[test]
    fn whole_segments_are_under_a_prefix() {
        for (prefix, path, verdict) in [
            ("/", "/", Verdict::Under),
            ("/", "/../%2e/", Verdict::Under),
            ("/v1", "/v1", Verdict::Under),
            ("/v1", "/v1/", Verdict::Under),
            ("/v1/", "/v1", Verdict::Under),
            ("/v1", "/v1/a%20b", Verdict::Under),
            ("/v1/a", "/v1/a/b", Verdict::Under),
            ("/v1", "/", Verdict::Beside),
            ("/v1", "/v10", Verdict::Beside),
            ("/v1", "/v", Verdict::Beside),
            ("/v1", "/V1/a", Verdict::Beside),
            ("/v1/a", "/v1", Verdict::Beside),
            ("/v1/a", "/v2/%C3%A4", Verdict::Beside),
        ] {
            assert_eq!(judge(prefix, path), verdict, "{path} under {prefix}");
        }
    }

    #[test]
    fn a_path_that_can_be_read_in_two_ways_is_under_none() {
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
            assert_eq!(judge("/v1", path), Verdict::Unclear, "{path}");
        }
    }

    #[test]
    fn a_prefix_is_plain_and_has_no_escapes() {
        for path in ["/a/../b", "/a//b", "/a%20b", "/a;b", "/a/.", "//"] {
            assert_eq!(Prefix::parse(path), Err(InvalidOrigin::Path), "{path}");
        }
    }
}

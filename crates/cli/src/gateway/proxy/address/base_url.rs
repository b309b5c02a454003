//! The upstream's base URL, and the URL of a forwarded request.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use http::uri::{self, Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use tower_rotating_auth::inbound::policy::has_dot_segment;
use tower_rotating_auth::outbound::{ConfigErrorKind, Origin};

use super::query;

/// The upstream's base URL, and the path that the gateway serves it under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    scheme: Scheme,
    authority: Authority,
    /// The Unix socket that the upstream listens on, if it does.
    socket: Option<PathBuf>,
    /// Without a trailing slash.
    path: String,
    prefix: Prefix,
}

/// The hosts that `http` may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cleartext {
    /// To this machine.
    Loopback,
    /// To any host.
    Anywhere,
}

/// A path of the gateway, without a trailing slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefix(String);

/// Why a path is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathError {
    /// The path is invalid, or would leave the base.
    Invalid,
    /// The upstream is not served under the path.
    Elsewhere,
}

impl Base {
    /// Parses a URL, or `unix:SOCKET` with an optional `:PATH`. Errors do not repeat it, since it
    /// may contain a password.
    pub(crate) fn parse(url: &str, cleartext: Cleartext) -> Result<Self, &'static str> {
        if let Some(socket) = url.strip_prefix("unix:") {
            return Self::parse_socket(socket);
        }
        let origin = match cleartext {
            Cleartext::Loopback => url.parse::<Origin>(),
            Cleartext::Anywhere => Origin::cleartext(url),
        };
        if let Err(invalid) = origin {
            return Err(match invalid.kind() {
                ConfigErrorKind::UrlScheme => "must start with https:// or http://",
                ConfigErrorKind::UserInfo => "must not contain a user or a password",
                ConfigErrorKind::Cleartext => {
                    "http:// would send the key to another machine in cleartext; use https://, or \
                     pass --upstream-cleartext"
                }
                _ => "must be a URL such as https://api.openai.com/v1",
            });
        }
        let parts = url.parse::<Uri>().map(Uri::into_parts).unwrap_or_default();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err("must be a URL such as https://api.openai.com/v1");
        };
        let path = parts.path_and_query.as_ref();
        if url.contains('#') || path.is_some_and(|path| path.query().is_some()) {
            return Err("must not contain a query or a fragment");
        }
        let path = path.map_or("", PathAndQuery::path);
        if has_dot_segment(path) {
            return Err("must not contain . or .. in its path");
        }
        Ok(Self {
            scheme,
            authority,
            socket: None,
            path: path.trim_end_matches('/').to_owned(),
            prefix: Prefix::default(),
        })
    }

    fn parse_socket(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "must be a socket such as unix:/run/server.sock, with an optional path \
                             such as unix:/run/server.sock:/v1";
        if !cfg!(unix) {
            return Err("this system has no Unix sockets");
        }
        let (socket, path) = match text.rsplit_once(':') {
            Some((socket, path)) => (socket, path),
            None => (text, "/"),
        };
        if !socket.starts_with('/') || !path.starts_with('/') {
            return Err(SHAPE);
        }
        let url = format!("http://localhost{path}");
        let base = Self::parse(&url, Cleartext::Loopback).map_err(|_| SHAPE)?;
        Ok(Self {
            socket: Some(socket.into()),
            ..base
        })
    }

    /// Sets the path that the gateway serves the upstream under.
    #[must_use]
    pub(crate) fn under(self, prefix: Prefix) -> Self {
        Self { prefix, ..self }
    }

    /// Returns whether a path of the gateway is the upstream's.
    pub(crate) fn serves(&self, path: &str) -> bool {
        self.prefix.strip(path).is_some()
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix.0
    }

    /// Returns the name of an upstream that has no other: its path at the gateway. Clients see names
    /// in `/readyz`, so this one does not tell where the upstream is.
    pub(crate) fn default_name(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        match self.prefix().trim_start_matches('/') {
            "" => "default".to_owned(),
            path => path.replace(|c| !is_plain(c), "-"),
        }
    }

    pub(crate) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// Returns whether both lead to the same server.
    pub(crate) fn has_server_of(&self, other: &Self) -> bool {
        (&self.scheme, &self.authority, &self.socket)
            == (&other.scheme, &other.authority, &other.socket)
    }

    /// Returns the upstream's URL for a requested URI.
    ///
    /// If the base ends in `/v1`, the path must begin with `/v1` as well, and the two share that
    /// segment. No two paths of the gateway lead to the same path of the upstream, so a policy for
    /// one of them cannot be evaded by the other.
    pub(crate) fn join(&self, asked: &Uri) -> Result<Uri, PathError> {
        let path = asked.path();
        if !path.starts_with('/') || has_dot_segment(path) {
            return Err(PathError::Invalid);
        }
        let rest = self.prefix.strip(path);
        let rest = rest.and_then(|rest| strip_segments(rest, self.shared()));
        let rest = rest.ok_or(PathError::Elsewhere)?;
        let mut target = [self.path.as_str(), rest].concat();
        if target.is_empty() {
            target.push('/');
        }
        if let Some(query) = asked.query().and_then(query::passing) {
            target.push('?');
            target.push_str(&query);
        }
        let mut parts = uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        let target = target.try_into().map_err(|_| PathError::Invalid)?;
        parts.path_and_query = Some(target);
        Uri::from_parts(parts).map_err(|_| PathError::Invalid)
    }

    /// Returns where clients of the gateway find a path and query of the upstream, or `None` if the
    /// gateway does not forward to it. It is the inverse of [`join`](Self::join).
    pub(super) fn public_path(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.path)?;
        let begins = |c: char| rest.starts_with(c);
        if !rest.is_empty() && !begins('/') && !begins('?') {
            return None;
        }
        let shared = self.shared();
        let root = if shared.is_empty() && !begins('/') {
            "/"
        } else {
            ""
        };
        let prefix = self.prefix();
        Some(format!("{prefix}{shared}{root}{rest}"))
    }

    /// Returns the segment of the base that paths of the gateway repeat.
    fn shared(&self) -> &'static str {
        if self.path.ends_with("/v1") && !self.prefix.0.ends_with("/v1") {
            "/v1"
        } else {
            ""
        }
    }

    pub(super) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the origin that the key is for.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Returns the content of `Host`.
    pub(crate) fn host_header(&self) -> Option<HeaderValue> {
        let default = if self.is_https() { 443 } else { 80 };
        let host = match self.authority.port_u16() {
            Some(port) if port != default => self.authority.as_str(),
            _ => self.authority.host(),
        };
        HeaderValue::from_str(host).ok()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

/// Formats the URL, as options have it.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            None => write!(f, "{}{}", self.origin(), self.path),
            Some(socket) if self.path.is_empty() => write!(f, "unix:{}", socket.display()),
            Some(socket) => write!(f, "unix:{}:{}", socket.display(), self.path),
        }
    }
}

impl Prefix {
    /// Returns the rest of a path under this one: nothing, or what starts with a slash.
    fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        strip_segments(path, &self.0)
    }
}

/// Returns the rest of a path after its first segments: nothing, or what starts with a slash.
fn strip_segments<'a>(path: &'a str, first: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(first)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

impl FromStr for Prefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
        if text.starts_with('/')
            && text.chars().all(is_plain)
            && !text.contains("//")
            && !has_dot_segment(text)
        {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err("must be a path such as /openai, of letters, digits, - _ . and ~")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, prefix: &str, path: &str) -> Option<String> {
        let base = Base::parse(base, Cleartext::Loopback).unwrap();
        let base = base.under(prefix.parse().unwrap());
        base.join(&path.parse().unwrap())
            .ok()
            .map(|uri| uri.to_string())
    }

    #[test]
    fn prefix_is_taken_off_at_a_slash() {
        let base = "https://a.example/v1";
        for (prefix, path, wanted) in [
            ("/", "/v1/models", Some("https://a.example/v1/models")),
            (
                "/a",
                "/a/v1/models?b=c",
                Some("https://a.example/v1/models?b=c"),
            ),
            ("/a/", "/a/v1/models", Some("https://a.example/v1/models")),
            ("/a", "/a/v1", Some("https://a.example/v1")),
            ("/", "/models", None),
            ("/", "/%761/models", None),
            ("/", "//v1/models", None),
            ("/a", "/a", None),
            ("/a", "/a/models", None),
            ("/a/v1", "/a/v1/models", Some("https://a.example/v1/models")),
            ("/a/v1", "/a/models", None),
            ("/a", "/ab/models", None),
            ("/a", "/b", None),
            ("/a", "/%61/models", None),
            ("/a", "/a/../b", None),
        ] {
            assert_eq!(
                joined(base, prefix, path).as_deref(),
                wanted,
                "{prefix} {path}"
            );
        }
        assert_eq!(
            joined("https://a.example", "/a", "/a").unwrap(),
            "https://a.example/"
        );
    }

    #[test]
    fn prefix_is_a_plain_path() {
        for text in ["", "a", "/a?b", "/a b", "/a%2f", "/../a", "/a//b", "/a;b"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn default_name_is_the_path_and_no_host() {
        for (prefix, name) in [("/", "default"), ("/openai", "openai"), ("/a/b~c", "a-b-c")] {
            let base = Base::parse("https://internal.example/v1", Cleartext::Loopback).unwrap();
            assert_eq!(base.under(prefix.parse().unwrap()).default_name(), name);
        }
    }

    #[test]
    fn cleartext_base_needs_its_option() {
        for (url, cleartext, wanted) in [
            ("http://models:8000/v1", Cleartext::Loopback, false),
            ("http://models:8000/v1", Cleartext::Anywhere, true),
            ("http://127.0.0.1:8000", Cleartext::Loopback, true),
            ("ftp://models", Cleartext::Anywhere, false),
            ("http://a:b@models", Cleartext::Anywhere, false),
        ] {
            assert_eq!(Base::parse(url, cleartext).is_ok(), wanted, "{url}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn socket_is_written_with_an_optional_path() {
        for (text, socket, joined) in [
            (
                "unix:/run/a.sock",
                "/run/a.sock",
                "http://localhost/v1/models",
            ),
            (
                "unix:/run/a.sock:/v1",
                "/run/a.sock",
                "http://localhost/v1/models",
            ),
            (
                "unix:/run/a.sock:/b/",
                "/run/a.sock",
                "http://localhost/b/v1/models",
            ),
        ] {
            let base = Base::parse(text, Cleartext::Loopback).unwrap();
            assert_eq!(base.socket(), Some(Path::new(socket)));
            let uri = base.join(&Uri::from_static("/v1/models")).unwrap();
            assert_eq!(uri.to_string(), joined);
        }
        for text in [
            "unix:",
            "unix:a.sock",
            "unix:/a.sock:v1",
            "unix:/a:/b?c",
            "unix://a/../b:/..",
        ] {
            assert!(Base::parse(text, Cleartext::Loopback).is_err(), "{text}");
        }
    }
}

//! The target of a request.

use std::borrow::Cow;

use http::Uri;
use http::header::{HOST, HeaderMap, HeaderValue};

use super::scheme::Scheme;

/// The target of a request, as the request writes it.
///
/// It is parsed only if it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    written: Written<'a>,
    host: Host<'a>,
    method: MethodKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written<'a> {
    Uri(&'a Uri),
    Url(&'a str),
    PathOnly(&'a str),
}

/// The `Host` header that the caller has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host<'a> {
    Unset,
    One(Cow<'a, HeaderValue>),
    /// They need not be the same.
    Several,
}

/// The kind of a method, which decides whether a request may carry a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodKind {
    MayCarryKey,
    MayNotCarryKey,
}

/// A parsed target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Absolute {
        scheme: Scheme,
        host: &'a str,
        port: Option<u16>,
        path: &'a str,
    },
    PathOnly {
        path: &'a str,
    },
    /// Nothing that a credential could be sent to.
    Nowhere,
}

impl<'a> Target<'a> {
    /// Returns the target of a URI.
    #[must_use]
    pub const fn from_uri(uri: &'a Uri) -> Self {
        Self::new(Written::Uri(uri))
    }

    /// Returns the target of a URL's text, as `url::Url` writes it.
    ///
    /// The URL is absolute, or only a path. A request with any other text gets no key.
    #[must_use]
    pub const fn from_url(url: &'a str) -> Self {
        Self::new(Written::Url(url))
    }

    /// Returns the target of a request that has a path and no origin.
    ///
    /// It goes to the origin that the layer assumes.
    #[must_use]
    pub const fn from_path(path: &'a str) -> Self {
        Self::new(Written::PathOnly(path))
    }

    /// Returns the target of a request that shows neither origin nor path.
    ///
    /// It gets the key for the whole of the origin that the layer assumes, if that origin has no
    /// key for a part of it.
    #[must_use]
    pub const fn unknown() -> Self {
        Self::from_path("")
    }

    /// Adds the `Host` header that the caller has set, if there is one.
    ///
    /// Clients send it in place of the URI's host, and a server with several names is chosen by it.
    /// A request whose `Host` names another host than its target, or that has two, gets no key.
    #[must_use]
    pub fn with_host(self, headers: &'a HeaderMap) -> Self {
        self.with_host_headers(Host::of(headers))
    }

    /// Adds the value of the `Host` header that the caller has set, if there is one.
    ///
    /// For requests that have no [`HeaderMap`]. Otherwise use [`with_host`](Self::with_host).
    #[must_use]
    pub fn with_host_value(self, host: Option<&'a HeaderValue>) -> Self {
        let host = host.map(Cow::Borrowed);
        self.with_host_headers(host.map_or(Host::Unset, Host::One))
    }

    pub(crate) fn with_host_headers(self, host: Host<'a>) -> Self {
        Self { host, ..self }
    }

    /// Adds the method. `CONNECT`, `TRACE` and `TRACK` requests get no key.
    ///
    /// A server that answers TRACE sends the request back, with its headers
    /// ([RFC 9110 §9.3.8](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.8)), and so do servers
    /// that know TRACK. A CONNECT request asks a proxy for a tunnel. Do not add the method of an
    /// extended CONNECT
    /// ([RFC 8441 §4](https://www.rfc-editor.org/rfc/rfc8441#section-4)): that one is a request to
    /// the origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Method, Uri};
    /// use tower_rotating_auth::outbound::adapter::Target;
    ///
    /// let uri = Uri::from_static("https://api.example.com/v1");
    /// let get = Target::from_uri(&uri).with_method(Method::GET);
    /// assert_eq!(get, Target::from_uri(&uri)); // may carry a key
    /// assert_ne!(get, Target::from_uri(&uri).with_method("TRACE"));
    /// ```
    #[must_use]
    pub fn with_method(self, method: impl AsRef<str>) -> Self {
        self.with_method_kind(MethodKind::of(method.as_ref()))
    }

    pub(crate) fn with_method_kind(self, method: MethodKind) -> Self {
        Self { method, ..self }
    }

    const fn new(written: Written<'a>) -> Self {
        Self {
            written,
            host: Host::Unset,
            method: MethodKind::MayCarryKey,
        }
    }

    pub(crate) const fn written(&self) -> Written<'a> {
        self.written
    }

    /// Returns the `Host` header that the caller has set.
    pub(crate) const fn host(&self) -> &Host<'a> {
        &self.host
    }

    pub(crate) const fn method(&self) -> MethodKind {
        self.method
    }

    /// Parses the target.
    pub(crate) fn parse(&self) -> Place<'a> {
        match self.written {
            Written::Uri(uri) => parse_uri(uri),
            Written::Url(url) => parse_url(url),
            Written::PathOnly(path) => Some(Place::PathOnly { path }),
        }
        .unwrap_or(Place::Nowhere)
    }
}

impl<'a> Host<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut hosts = headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (None, _) => Self::Unset,
            (Some(host), None) => Self::One(Cow::Borrowed(host)),
            (Some(_), Some(_)) => Self::Several,
        }
    }

    pub(crate) fn into_owned(self) -> Host<'static> {
        match self {
            Self::Unset => Host::Unset,
            Self::One(host) => Host::One(Cow::Owned(host.into_owned())),
            Self::Several => Host::Several,
        }
    }
}

impl MethodKind {
    /// Classifies a method. The list is the one of methods that a browser does not send for a page
    /// ([Fetch](https://fetch.spec.whatwg.org/#forbidden-method)), in any case.
    pub(crate) fn of(method: &str) -> Self {
        let forbidden = ["CONNECT", "TRACE", "TRACK"];
        if forbidden
            .iter()
            .any(|name| name.eq_ignore_ascii_case(method))
        {
            Self::MayNotCarryKey
        } else {
            Self::MayCarryKey
        }
    }
}

fn parse_uri(uri: &Uri) -> Option<Place<'_>> {
    let path = uri.path();
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => absolute(scheme, authority.as_str(), path),
        (None, None) => Some(Place::PathOnly { path }),
        _ => None,
    }
}

fn parse_url(url: &str) -> Option<Place<'_>> {
    let url = url.split(['?', '#']).next()?;
    // URL parsers read a backslash as a slash and skip white space, and would find another host.
    if url
        .bytes()
        .any(|byte| byte == b'\\' || !byte.is_ascii_graphic())
    {
        return None;
    }
    if url.starts_with('/') && !url.starts_with("//") {
        return Some(Place::PathOnly { path: url });
    }
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    absolute(scheme, authority, if path.is_empty() { "/" } else { path })
}

fn absolute<'a>(scheme: &str, authority: &'a str, path: &'a str) -> Option<Place<'a>> {
    let (host, port) = host_and_port(authority)?;
    Some(Place::Absolute {
        scheme: Scheme::parse(scheme)?,
        host,
        port,
        path,
    })
}

/// Splits an authority into host and port. Returns `None` if it has no host or an invalid port.
pub(crate) fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let without_user = authority.rsplit('@').next()?;
    let name_ends = without_user.rfind(']').unwrap_or(0);
    let (host, port) = match without_user[name_ends..].find(':') {
        None => (without_user, None),
        Some(colon) => {
            let (host, port) = without_user.split_at(name_ends + colon);
            (host, Some(parse_port(&port[1..])?))
        }
    };
    (!host.is_empty()).then_some((host, port))
}

/// Parses digits only, since `u16`'s own parser accepts a sign.
fn parse_port(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| port.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_text_parses_like_a_uri() {
        for url in [
            "https://api.test/v1",
            "https://api.test",
            "HTTP://user:word@API.test:8080/v1?a=/b#c",
            "http://[2001:db8::1]:8080/",
            "https://[2001:db8::1]/a//b?c",
            "https://api.test?a@b",
            "https://api.test#a",
            "https://evil.test?@api.test/",
            "https://evil.test#@api.test/",
            "https://evil.test/@api.test/",
            "/v1/models?a",
        ] {
            let uri: Uri = url.parse().unwrap();
            assert_eq!(
                Target::from_url(url).parse(),
                Target::from_uri(&uri).parse(),
                "{url}"
            );
            assert_ne!(Target::from_url(url).parse(), Place::Nowhere, "{url}");
        }
    }

    #[test]
    fn url_text_without_origin_goes_nowhere() {
        for url in [
            "",
            "api.test/v1",
            "//api.test/v1",
            "https:/api.test/",
            "https:///v1",
            "https://:443/",
            "https://user@/",
            "https://api.test:/",
            "https://api.test:+443/",
            "https://api.test:65536/",
            "https://api.test:443:443/",
            "https://api.test\\.evil.test/",
            "https://api test/",
            "https://api.test\u{7f}/",
            "https://\u{ff41}pi.test/",
            "https://api.test/\u{3000}",
            "https://evil.test\\@api.test/",
            "https://evil.test\t@api.test/",
            "https://api.test/\n",
            "/\\evil.test/",
            "/\t/evil.test/",
            "file:///api.test/",
            "ftp://api.test/",
            "data:text/plain,https://api.test/",
        ] {
            assert_eq!(Target::from_url(url).parse(), Place::Nowhere, "{url}");
        }
    }
}

//! Where a request goes.

use http::header::{HOST, HeaderMap};
use http::{HeaderValue, Uri};

use super::scheme::Scheme;

/// Where a request goes, as it is written there: taken apart only where it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    written: Written<'a>,
    host: Option<&'a HeaderValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written<'a> {
    Uri(&'a Uri),
    Url(&'a str),
    PathOnly(&'a str),
    /// In two places, which need not be the same.
    Twice,
}

/// A target that was taken apart.
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
    /// No origin that a credential could go to.
    Nowhere,
}

impl<'a> Target<'a> {
    /// The target that a URI names.
    #[must_use]
    pub const fn of(uri: &'a Uri) -> Self {
        Self::at(Written::Uri(uri))
    }

    /// The target that the text of a URL names, as `url::Url` writes it: an absolute one, or a path and no
    /// more. Anything else is given no credential.
    #[must_use]
    pub const fn url(url: &'a str) -> Self {
        Self::at(Written::Url(url))
    }

    /// A path and no more: wherever the client is connected.
    #[must_use]
    pub const fn path_only(path: &'a str) -> Self {
        Self::at(Written::PathOnly(path))
    }

    /// Wherever the client is connected, on a path that is not known: it is given the key of a whole origin, if that
    /// has none for a part of it.
    #[must_use]
    pub const fn unknown() -> Self {
        Self::path_only("")
    }

    /// With the `Host` that the caller has set among these headers, if any. Clients send that instead of the URI's own,
    /// and who answers for several names asks there which of them is meant: a request that names another host than the
    /// one that it is for, or two, is given no credential.
    #[must_use]
    pub fn with_host(self, headers: &'a HeaderMap) -> Self {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next();
        if hosts.next().is_some() {
            return Self::at(Written::Twice);
        }
        Self { host, ..self }
    }

    const fn at(written: Written<'a>) -> Self {
        let host = None;
        Self { written, host }
    }

    pub(crate) const fn written(self) -> Written<'a> {
        self.written
    }

    /// What the caller has set for a `Host`.
    pub(crate) const fn host(self) -> Option<&'a HeaderValue> {
        self.host
    }

    /// Takes it apart.
    pub(crate) fn place(self) -> Place<'a> {
        match self.written {
            Written::Uri(uri) => of_uri(uri),
            Written::Url(url) => of_text(url),
            Written::PathOnly(path) => Some(Place::PathOnly { path }),
            Written::Twice => None,
        }
        .unwrap_or(Place::Nowhere)
    }
}

fn of_uri(uri: &Uri) -> Option<Place<'_>> {
    let path = uri.path();
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => absolute(scheme, authority.as_str(), path),
        (None, None) => Some(Place::PathOnly { path }),
        _ => None,
    }
}

fn of_text(url: &str) -> Option<Place<'_>> {
    let url = url.split(['?', '#']).next()?;
    // Parsers of URLs take a backslash for a slash and skip white space: the host would be another one.
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
        scheme: Scheme::of(scheme)?,
        host,
        port,
        path,
    })
}

/// The host and the port of an authority; none where it has no host, or a port that is none.
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

/// `u16`'s own parser takes a sign.
fn parse_port(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| port.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_as_a_uri_is() {
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
            assert_eq!(Target::url(url).place(), Target::of(&uri).place(), "{url}");
            assert_ne!(Target::url(url).place(), Place::Nowhere, "{url}");
        }
    }

    #[test]
    fn a_text_that_names_no_origin_is_nowhere() {
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
            assert_eq!(Target::url(url).place(), Place::Nowhere, "{url}");
        }
    }
}

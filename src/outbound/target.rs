//! Where a request goes.

use http::Uri;

use super::origin::Scheme;

/// Where a request goes, as it is written there: taken apart only where it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a>(Written<'a>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written<'a> {
    Uri(&'a Uri),
    Url(&'a str),
    PathOnly,
}

/// A target that was taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Absolute {
        scheme: Scheme,
        host: &'a str,
        port: Option<u16>,
    },
    PathOnly,
    /// No origin that a credential could go to.
    Nowhere,
}

impl<'a> Target<'a> {
    /// The target that a URI names.
    #[must_use]
    pub const fn of(uri: &'a Uri) -> Self {
        Self(Written::Uri(uri))
    }

    /// The target that the text of a URL names, as `url::Url` writes it: an absolute one, or a path and no
    /// more. Anything else is given no credential.
    #[must_use]
    pub const fn url(url: &'a str) -> Self {
        Self(Written::Url(url))
    }

    /// A path and no more, or not even that: wherever the client is connected.
    #[must_use]
    pub const fn path_only() -> Self {
        Self(Written::PathOnly)
    }

    pub(super) const fn written(self) -> Written<'a> {
        self.0
    }

    /// Takes it apart.
    pub(super) fn place(self) -> Place<'a> {
        match self.0 {
            Written::Uri(uri) => match (uri.scheme_str(), uri.authority()) {
                (Some(scheme), Some(authority)) => absolute(scheme, authority.as_str()),
                (None, None) => Some(Place::PathOnly),
                _ => None,
            },
            Written::Url(url) => of_text(url),
            Written::PathOnly => Some(Place::PathOnly),
        }
        .unwrap_or(Place::Nowhere)
    }
}

fn of_text(url: &str) -> Option<Place<'_>> {
    if url.starts_with('/') && !url.starts_with("//") {
        return Some(Place::PathOnly);
    }
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    absolute(scheme, &rest[..end])
}

fn absolute<'a>(scheme: &str, authority: &'a str) -> Option<Place<'a>> {
    let scheme = Scheme::of(scheme)?;
    let without_user = authority.rsplit('@').next()?;
    let name_ends = without_user.rfind(']').unwrap_or(0);
    let (host, port) = match without_user[name_ends..].find(':') {
        None => (without_user, None),
        Some(colon) => {
            let (host, port) = without_user.split_at(name_ends + colon);
            (host, Some(parse_port(&port[1..])?))
        }
    };
    let is_host = !host.is_empty() && !host.contains(['\\', ' ']);
    is_host.then_some(Place::Absolute { scheme, host, port })
}

/// `u16`'s own parser takes a sign.
fn parse_port(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| port.parse().ok()).flatten()
}

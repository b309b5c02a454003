//! Where a credential may go.

use crate::outbound::adapter::Scheme;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::{HeaderValue, Uri, uri};

use crate::outbound::adapter::{Place, Target, host_and_port};

/// A scheme, a host and a port: where a credential may go.
///
/// Origins are equal when all three are: hosts without regard to case, ports after filling in the
/// scheme's own. A name with a trailing dot is another host than the one without.
///
/// ```
/// use tower_rotating_auth::outbound::{InvalidOrigin, Origin};
///
/// let origin: Origin = "https://API.example.com/v1".parse()?; // the path is not part of it
/// assert_eq!(origin, "https://api.example.com:443".parse()?);
/// assert_eq!(origin.to_string(), "https://api.example.com");
///
/// let cleartext = "http://models.internal".parse::<Origin>();
/// assert_eq!(cleartext, Err(InvalidOrigin::Cleartext));
/// # Ok::<_, InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
    /// As nearly every request writes it: compared before anything is taken apart.
    authority: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Host {
    /// In lower case.
    Name(Box<str>),
    V6(Ipv6Addr),
}

/// Why something is not an origin that a credential may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidOrigin {
    /// Not a URL of the form `https://host` or `https://host:port`, in ASCII.
    NotAUrl,
    /// A scheme other than `https` and `http`.
    Scheme,
    /// A user name or password before the host.
    UserInfo,
    /// `http` to a host that is not loopback: anybody on the way could read the key.
    Cleartext,
    /// The path of a route could be read in more than one way, has escapes, or is followed by a query: no
    /// request could be told to be under it.
    Path,
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAUrl => {
                "not an origin: write https://host or https://host:port, international names in punycode"
            }
            Self::Scheme => "an origin's scheme is https, or http",
            Self::UserInfo => "an origin has no user name or password",
            Self::Cleartext => {
                "http would send the key in clear text: use https, or `cleartext` where that is meant"
            }
            Self::Path => {
                "a route's path is made of whole, plain segments: no dots, no escapes, no empty segment, no query"
            }
        })
    }
}

impl Error for InvalidOrigin {}

impl Origin {
    /// An origin that may be `http` off loopback: for networks that nobody else is on.
    ///
    /// # Errors
    ///
    /// When it is not an origin.
    pub fn cleartext(url: &str) -> Result<Self, InvalidOrigin> {
        Self::of(&url.parse().map_err(|_| InvalidOrigin::NotAUrl)?)
    }

    /// The origin of an absolute URL, in clear text or not.
    pub(crate) fn of(uri: &Uri) -> Result<Self, InvalidOrigin> {
        let authority = uri.authority().ok_or(InvalidOrigin::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(InvalidOrigin::UserInfo);
        }
        let scheme = uri.scheme_str().ok_or(InvalidOrigin::NotAUrl)?;
        let scheme = Scheme::of(scheme).ok_or(InvalidOrigin::Scheme)?;
        let Place::Absolute { host, port, .. } = Target::of(uri).place() else {
            return Err(InvalidOrigin::NotAUrl);
        };
        let host = match v6(host) {
            Some(address) => Host::V6(address),
            None if host.starts_with('[') => return Err(InvalidOrigin::NotAUrl),
            None => Host::Name(host.to_ascii_lowercase().into()),
        };
        let port = port.unwrap_or_else(|| scheme.port());
        let authority = if port == scheme.port() {
            host.to_string()
        } else {
            format!("{host}:{port}")
        };
        Ok(Self {
            scheme,
            host,
            port,
            authority: authority.into(),
        })
    }

    /// Takes an origin only if nobody on the way to it can read the key.
    pub(crate) fn if_safe(self) -> Result<Self, InvalidOrigin> {
        if self.is_safe() {
            Ok(self)
        } else {
            Err(InvalidOrigin::Cleartext)
        }
    }

    /// Whether a URI names it, letter by letter: which one that names it seldom does not.
    pub(crate) fn is_written_in(&self, uri: &Uri) -> bool {
        let scheme = match self.scheme {
            Scheme::Http => &uri::Scheme::HTTP,
            Scheme::Https => &uri::Scheme::HTTPS,
        };
        uri.scheme() == Some(scheme)
            && uri
                .authority()
                .is_some_and(|authority| *authority.as_str() == *self.authority)
    }

    /// Whether a `Host` names it.
    pub(crate) fn is_named_by(&self, host: &HeaderValue) -> bool {
        if host.as_bytes() == self.authority.as_bytes() {
            return true;
        }
        let host = host.to_str().ok().filter(|host| !host.contains('@'));
        let place = host.and_then(host_and_port);
        place.is_some_and(|(host, port)| self.matches(self.scheme, host, port))
    }

    pub(crate) fn is_safe(&self) -> bool {
        match &self.host {
            Host::Name(name) => self.scheme == Scheme::Https || is_loopback_name(name),
            Host::V6(address) => self.scheme == Scheme::Https || address.is_loopback(),
        }
    }

    pub(crate) fn matches(&self, scheme: Scheme, host: &str, port: Option<u16>) -> bool {
        scheme == self.scheme
            && port.unwrap_or_else(|| scheme.port()) == self.port
            && match &self.host {
                Host::Name(name) => name.eq_ignore_ascii_case(host),
                Host::V6(address) => v6(host) == Some(*address),
            }
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(url: &str) -> Result<Self, InvalidOrigin> {
        Self::cleartext(url)?.if_safe()
    }
}

impl TryFrom<&str> for Origin {
    type Error = InvalidOrigin;

    fn try_from(url: &str) -> Result<Self, InvalidOrigin> {
        url.parse()
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(url: String) -> Result<Self, InvalidOrigin> {
        url.parse()
    }
}

impl TryFrom<&String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(url: &String) -> Result<Self, InvalidOrigin> {
        url.parse()
    }
}

impl TryFrom<&Uri> for Origin {
    type Error = InvalidOrigin;

    fn try_from(uri: &Uri) -> Result<Self, InvalidOrigin> {
        uri.to_string().parse()
    }
}

/// An origin that is one already is never invalid.
impl From<Infallible> for InvalidOrigin {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Whether a URL with this scheme and host is one that nobody on the way can read.
pub(crate) fn is_safe(scheme: Scheme, host: &str) -> bool {
    scheme == Scheme::Https
        || is_loopback_name(host)
        || v6(host).is_some_and(|address| address.is_loopback())
}

fn v6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_loopback_name(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|v4| v4.is_loopback())
}

//! Where a credential may go.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::{Uri, uri};

use super::target::{Place, Target, Written};

/// A scheme, a host and a port: where a credential may go.
///
/// Origins are equal when all three are: hosts without regard to case, ports after filling in the
/// scheme's own. A name with a trailing dot is another host than the one without.
///
/// ```
/// use tower_rotating_auth::{InvalidOrigin, Origin};
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Http,
    Https,
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
                "http would send the key in clear text: use https, or `Origin::cleartext` where that is meant"
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
        let uri: Uri = url.parse().map_err(|_| InvalidOrigin::NotAUrl)?;
        let authority = uri.authority().ok_or(InvalidOrigin::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(InvalidOrigin::UserInfo);
        }
        let scheme = uri.scheme_str().ok_or(InvalidOrigin::NotAUrl)?;
        let scheme = Scheme::of(scheme).ok_or(InvalidOrigin::Scheme)?;
        let Place::Absolute { host, port, .. } = Target::of(&uri).place() else {
            return Err(InvalidOrigin::NotAUrl);
        };
        let host = match v6(host) {
            Some(address) => Host::V6(address),
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

    fn is_written_in(&self, uri: &Uri) -> bool {
        let scheme = match self.scheme {
            Scheme::Http => &uri::Scheme::HTTP,
            Scheme::Https => &uri::Scheme::HTTPS,
        };
        uri.scheme() == Some(scheme)
            && uri
                .authority()
                .is_some_and(|authority| *authority.as_str() == *self.authority)
    }

    fn is_safe(&self) -> bool {
        match (self.scheme, &self.host) {
            (Scheme::Https, _) => true,
            (Scheme::Http, Host::Name(name)) => is_loopback_name(name),
            (Scheme::Http, Host::V6(address)) => address.is_loopback(),
        }
    }

    fn matches(&self, scheme: Scheme, host: &str, port: Option<u16>) -> bool {
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
        let origin = Self::cleartext(url)?;
        if origin.is_safe() {
            Ok(origin)
        } else {
            Err(InvalidOrigin::Cleartext)
        }
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

impl Scheme {
    pub(super) fn of(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("https") {
            Some(Self::Https)
        } else if name.eq_ignore_ascii_case("http") {
            Some(Self::Http)
        } else {
            None
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Which targets are given the credential.
#[derive(Clone, Debug)]
pub(crate) struct OriginRule {
    only: Only,
    /// Where a request without an origin of its own goes.
    assumed: Option<Origin>,
}

#[derive(Clone, Debug)]
enum Only {
    /// Any origin, in clear text only on loopback.
    AnySafe,
    These(Vec<Origin>),
}

impl OriginRule {
    pub(crate) const fn any() -> Self {
        Self {
            only: Only::AnySafe,
            assumed: None,
        }
    }

    pub(crate) fn only(origin: Origin) -> Self {
        Self {
            only: Only::These(vec![origin]),
            assumed: None,
        }
    }

    pub(crate) fn also(&mut self, origin: Origin) {
        if let Only::These(origins) = &mut self.only {
            origins.push(origin);
        }
    }

    pub(crate) fn assume(&mut self, origin: Origin) {
        self.assumed = Some(origin);
    }

    /// Whether a request to `target` is given the credential.
    pub(crate) fn admits(&self, target: Target<'_>) -> bool {
        if let (Only::These(origins), Written::Uri(uri)) = (&self.only, target.written()) {
            if origins.iter().any(|origin| origin.is_written_in(uri)) {
                return true;
            }
        }
        match target.place() {
            Place::Absolute { scheme, host, port } => self.admits_absolute(scheme, host, port),
            Place::PathOnly => self
                .assumed
                .as_ref()
                .is_some_and(|assumed| match &self.only {
                    Only::AnySafe => assumed.is_safe(),
                    Only::These(origins) => origins.contains(assumed),
                }),
            Place::Nowhere => false,
        }
    }

    fn admits_absolute(&self, scheme: Scheme, host: &str, port: Option<u16>) -> bool {
        match &self.only {
            Only::AnySafe => {
                scheme == Scheme::Https
                    || is_loopback_name(host)
                    || v6(host).is_some_and(|address| address.is_loopback())
            }
            Only::These(origins) => origins
                .iter()
                .any(|origin| origin.matches(scheme, host, port)),
        }
    }
}

fn v6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_loopback_name(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|v4| v4.is_loopback())
}

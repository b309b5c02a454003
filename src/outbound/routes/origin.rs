//! Origins that a credential may be sent to.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::{HeaderValue, Uri, uri};

use crate::outbound::adapter::{Place, Scheme, Target, host_and_port};
use crate::outbound::error::{ConfigError, ConfigErrorKind};

/// An origin that a credential may be sent to: a scheme, a host and a port.
///
/// Origins are equal if all three are equal. Hosts are compared without regard to case, and a
/// missing port is the scheme's default. A host name with a trailing dot differs from the one
/// without.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::outbound::{ConfigError, ConfigErrorKind, Origin};
///
/// let origin: Origin = "https://API.example.com/v1".parse()?; // the path is ignored
/// assert_eq!(origin, "https://api.example.com:443".parse()?);
/// assert_eq!(origin.to_string(), "https://api.example.com");
///
/// let cleartext = "http://models.internal".parse::<Origin>().unwrap_err();
/// assert_eq!(cleartext.kind(), ConfigErrorKind::Cleartext);
/// # Ok::<_, ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
    /// The host, and the port unless it is the default: nearly every request writes it like this,
    /// so it is compared before anything is parsed.
    authority: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Host {
    /// In lower case.
    Name(Box<str>),
    V6(Ipv6Addr),
}

impl Origin {
    /// Parses an origin that may be `http` to any host, for networks that nobody else is on.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`ConfigErrorKind::InvalidUrl`], [`ConfigErrorKind::UrlScheme`] or
    /// [`ConfigErrorKind::UserInfo`] if the URL has no such origin.
    pub fn cleartext(url: &str) -> Result<Self, ConfigError> {
        Self::from_uri(&url.parse().map_err(|_| ConfigErrorKind::InvalidUrl)?)
    }

    /// Returns the origin of an absolute URL, whether or not it is safe.
    pub(crate) fn from_uri(uri: &Uri) -> Result<Self, ConfigError> {
        let authority = uri.authority().ok_or(ConfigErrorKind::InvalidUrl)?;
        if authority.as_str().contains('@') {
            return Err(ConfigErrorKind::UserInfo.into());
        }
        let scheme = uri.scheme_str().ok_or(ConfigErrorKind::InvalidUrl)?;
        let scheme = Scheme::parse(scheme).ok_or(ConfigErrorKind::UrlScheme)?;
        let Place::Absolute { host, port, .. } = Target::from_uri(uri).parse() else {
            return Err(ConfigErrorKind::InvalidUrl.into());
        };
        let origin = Self::from_parts(scheme, host, port);
        origin.ok_or_else(|| ConfigErrorKind::InvalidUrl.into())
    }

    /// Creates an origin. Returns `None` if the host is none.
    pub(crate) fn from_parts(scheme: Scheme, host: &str, port: Option<u16>) -> Option<Self> {
        let host = match v6(host) {
            Some(address) => Host::V6(address),
            None if host.starts_with('[') => return None,
            None => Host::Name(host.to_ascii_lowercase().into()),
        };
        let port = port.unwrap_or_else(|| scheme.port());
        let authority = if port == scheme.port() {
            host.to_string()
        } else {
            format!("{host}:{port}")
        };
        Some(Self {
            scheme,
            host,
            port,
            authority: authority.into(),
        })
    }

    /// Returns the host and the port.
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Returns the origin if nobody on the way to it can read the key.
    pub(crate) fn if_safe(self) -> Result<Self, ConfigError> {
        if self.is_safe() {
            Ok(self)
        } else {
            Err(ConfigErrorKind::Cleartext.into())
        }
    }

    /// Returns whether a URI names the origin letter by letter, as nearly every one does that names
    /// it.
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

    /// Returns whether a `Host` header names the origin.
    pub(crate) fn is_named_by(&self, header: &HeaderValue) -> bool {
        host_and_port(&self.authority)
            .is_some_and(|(host, port)| is_named_by(header, self.scheme, host, port))
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
    type Err = ConfigError;

    fn from_str(url: &str) -> Result<Self, ConfigError> {
        Self::cleartext(url)?.if_safe()
    }
}

impl TryFrom<&str> for Origin {
    type Error = ConfigError;

    fn try_from(url: &str) -> Result<Self, ConfigError> {
        url.parse()
    }
}

impl TryFrom<String> for Origin {
    type Error = ConfigError;

    fn try_from(url: String) -> Result<Self, ConfigError> {
        url.parse()
    }
}

impl TryFrom<&String> for Origin {
    type Error = ConfigError;

    fn try_from(url: &String) -> Result<Self, ConfigError> {
        url.parse()
    }
}

impl TryFrom<&Uri> for Origin {
    type Error = ConfigError;

    fn try_from(uri: &Uri) -> Result<Self, ConfigError> {
        uri.to_string().parse()
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

/// Returns whether nobody on the way to this host can read a request.
pub(crate) fn is_safe(scheme: Scheme, host: &str) -> bool {
    scheme == Scheme::Https
        || is_loopback_name(host)
        || v6(host).is_some_and(|address| address.is_loopback())
}

/// Returns whether a `Host` header names a host and a port. An absent port is the scheme's default.
pub(crate) fn is_named_by(
    header: &HeaderValue,
    scheme: Scheme,
    host: &str,
    port: Option<u16>,
) -> bool {
    let header = header.to_str().ok().filter(|header| !header.contains('@'));
    let Some((named, named_port)) = header.and_then(host_and_port) else {
        return false;
    };
    let is_same_host = named.eq_ignore_ascii_case(host)
        || v6(named).is_some_and(|address| v6(host) == Some(address));
    let [port, named_port] = [port, named_port].map(|port| port.unwrap_or_else(|| scheme.port()));
    is_same_host && port == named_port
}

fn v6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_loopback_name(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|v4| v4.is_loopback())
}

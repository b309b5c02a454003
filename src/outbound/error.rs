//! Errors in the configuration of the outbound half.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

/// An error in an origin, a route or an authentication scheme.
///
/// [`kind`](Self::kind) says what is wrong. The message also says what to write instead, and never
/// repeats the text that was parsed: a URL can hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    duplicate: Option<Duplicate>,
}

/// What is wrong with the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The text is not a URL of the form `https://host` or `https://host:port`, in ASCII.
    InvalidUrl,
    /// The URL's scheme is neither `https` nor `http`.
    UrlScheme,
    /// The URL has a user name or password.
    UserInfo,
    /// The URL is `http` to a host that is not loopback, so the key would be sent in clear text.
    Cleartext,
    /// A route's path has dot segments, empty segments, escapes or a query.
    RoutePath,
    /// There are no routes.
    NoRoutes,
    /// Two routes are for the same place.
    DuplicateRoute,
    /// The text is not an authentication scheme, which is one token of HTTP.
    AuthScheme,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Duplicate {
    route: Box<str>,
    positions: (usize, usize),
}

impl ConfigError {
    pub(crate) fn duplicate_route(route: &impl fmt::Display, first: usize, second: usize) -> Self {
        Self {
            kind: ConfigErrorKind::DuplicateRoute,
            duplicate: Some(Duplicate {
                route: route.to_string().into(),
                positions: (first, second),
            }),
        }
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    /// Returns the place that two routes are for, as [`Route`](crate::outbound::Route) displays it.
    ///
    /// Is `Some` for [`ConfigErrorKind::DuplicateRoute`].
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.duplicate.as_ref().map(|duplicate| &*duplicate.route)
    }

    /// Returns the positions of the two routes that are for the same place, counted from 0.
    ///
    /// Is `Some` for [`ConfigErrorKind::DuplicateRoute`].
    #[must_use]
    pub fn positions(&self) -> Option<(usize, usize)> {
        self.duplicate.as_ref().map(|duplicate| duplicate.positions)
    }
}

impl From<ConfigErrorKind> for ConfigError {
    fn from(kind: ConfigErrorKind) -> Self {
        let duplicate = None;
        Self { kind, duplicate }
    }
}

/// Converts the error of an [`Origin`](crate::outbound::Origin) that needs no parsing.
impl From<Infallible> for ConfigError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Duplicate { route, positions }) = &self.duplicate {
            let (first, second) = positions;
            return write!(
                f,
                "routes {first} and {second} are both for {route}; remove one of them"
            );
        }
        f.write_str(match self.kind {
            ConfigErrorKind::InvalidUrl => {
                "not a URL; write https://host or https://host:port, with international names in punycode"
            }
            ConfigErrorKind::UrlScheme => "unsupported URL scheme; use https or http",
            ConfigErrorKind::UserInfo => {
                "the URL has a user name or password; remove everything before the @"
            }
            ConfigErrorKind::Cleartext => {
                "http would send the key in clear text; use https, or `cleartext` on a trusted network"
            }
            ConfigErrorKind::RoutePath => {
                "ambiguous route path; use plain segments without dots, escapes, empty segments or a query"
            }
            ConfigErrorKind::NoRoutes => "no routes configured; add at least one route",
            ConfigErrorKind::DuplicateRoute => "two routes are for the same place; remove one",
            ConfigErrorKind::AuthScheme => {
                "not an authentication scheme; write one word, such as Token or ApiKey"
            }
        })
    }
}

impl Error for ConfigError {}

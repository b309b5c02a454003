//! Errors in the settings of the inbound half.

use std::error::Error;
use std::fmt;

use http::Method;

/// An error in the settings of a layer: in its realm, its key locations, its route policy.
///
/// # Examples
///
/// ```
/// use http::Method;
/// use tower_rotating_auth::inbound::{ConfigErrorKind, policy::RoutePolicy};
///
/// let error = RoutePolicy::new().public(Method::GET, "/models/{id}").unwrap_err();
/// assert_eq!(error.kind(), ConfigErrorKind::TemplateAsPath);
/// assert_eq!(error.routes().next(), Some((&Method::GET, "/models/{id}")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: Box<str>,
    routes: Box<[(Method, Box<str>)]>,
}

/// The kind of a [`ConfigError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The realm is blank, or has other characters than visible ASCII and spaces.
    InvalidRealm,
    /// The URL of the resource metadata is not an absolute `http` or `https` URL in ASCII, or has a
    /// fragment.
    InvalidMetadataUrl,
    /// The list of key locations is empty.
    NoLocations,
    /// The list of key locations has one location twice.
    DuplicateLocation,
    /// A key location is a header that HTTP or another location needs.
    ReservedHeader,
    /// A query parameter's name is empty, or has other characters than `A-Z a-z 0-9 - . _ ~`.
    InvalidQueryParameter,
    /// An address that must be a loopback address is not.
    NotLoopback,
    /// A policy entry's path does not start with a slash, or could be read in more than one way.
    InvalidPath,
    /// A policy entry's path has parameters. Paths match literally; templates have parameters.
    TemplateAsPath,
    /// A policy entry's template does not start with a slash, or its braces do not match.
    InvalidTemplate,
    /// An earlier policy entry for the same route says something else. Paths that differ only in
    /// their spelling, such as `/a` and `/a/`, are the same route.
    ConflictingEntry,
    /// A text is not a policy file: see
    /// [`RoutePolicy::from_toml`](crate::inbound::policy::RoutePolicy::from_toml).
    InvalidPolicyFile,
    /// A route given to [`RoutePolicy::audit`](crate::inbound::policy::RoutePolicy::audit) is not a
    /// route.
    InvalidRoute,
    /// Policy entries match no route of the application.
    UnknownRoute,
    /// Policy entries for `GET` close routes whose handlers run for `HEAD`, which has entries that
    /// require less.
    BypassedEntry,
    /// Routes that must need a key are served without one.
    OpenRoute,
}

impl ConfigError {
    pub(crate) fn new(kind: ConfigErrorKind, message: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            routes: Box::default(),
        }
    }

    pub(crate) fn with_routes<'a>(
        self,
        routes: impl IntoIterator<Item = (&'a Method, &'a str)>,
    ) -> Self {
        let routes = routes.into_iter();
        Self {
            routes: routes
                .map(|(method, path)| (method.clone(), path.into()))
                .collect(),
            ..self
        }
    }

    /// Returns the kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    /// Returns the method and the path or template of each route or policy entry that the error is
    /// about.
    pub fn routes(&self) -> impl Iterator<Item = (&Method, &str)> {
        self.routes.iter().map(|(method, path)| (method, &**path))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ConfigError {}

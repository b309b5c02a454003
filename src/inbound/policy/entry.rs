//! One entry of a policy.

use std::fmt;

use http::Method;

use super::access::Access;
use super::template::{self, Template};
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::syntax::path;
use crate::syntax::reading::{Segment, literals};

/// An entry of a [`RoutePolicy`](crate::inbound::policy::RoutePolicy): a method, a path or
/// template, and the access rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEntry {
    pub(crate) method: Method,
    pub(crate) kind: PatternKind,
    pub(crate) pattern: Box<str>,
    pub(crate) access: Access,
    /// The pattern in normal form: equal if two patterns may be read as the same.
    pub(crate) segments: Vec<Segment>,
}

/// What the pattern of an entry is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatternKind {
    /// The path of the request.
    Path,
    /// The template that the router matched.
    Template,
}

impl PolicyEntry {
    pub(crate) fn checked(
        method: Method,
        kind: PatternKind,
        pattern: &str,
        access: Access,
    ) -> Result<Self, ConfigError> {
        let segments = match Template::parse(pattern) {
            Some(template) if kind == PatternKind::Template => template.segments(),
            _ => literals(pattern),
        };
        let entry = Self {
            method,
            kind,
            pattern: pattern.into(),
            access,
            segments,
        };
        match entry.flaw() {
            None => Ok(entry),
            Some((kind, advice)) => Err(entry.error(kind, advice)),
        }
    }

    fn flaw(&self) -> Option<(ConfigErrorKind, &'static str)> {
        let is_template = self.kind == PatternKind::Template;
        let template = is_template.then(|| Template::parse(&self.pattern));
        match template {
            None if template::looks_like_template(&self.pattern) => Some((
                ConfigErrorKind::TemplateAsPath,
                "paths match literally; list it as a template",
            )),
            Some(None) => Some((
                ConfigErrorKind::InvalidTemplate,
                "not a template; write one such as /models/{id}",
            )),
            None if path::is_plain(&self.pattern) => None,
            // A template that closes a route may match paths that can be read in more than one way.
            Some(Some(template)) if !self.access.is_open() || template.is_plain() => None,
            None | Some(Some(_)) => Some((
                ConfigErrorKind::InvalidPath,
                "a path starts with a slash, and has no empty segment, dot at the end of one, \
                 semicolon or needless escape",
            )),
        }
    }

    pub(crate) fn error(&self, kind: ConfigErrorKind, advice: &str) -> ConfigError {
        ConfigError::new(kind, format!("{self}: {advice}"))
            .with_routes([(&self.method, self.path())])
    }

    /// Returns whether both may match the same requests and say different things: the patterns
    /// differ only in their spelling, or in the names of parameters.
    pub(crate) fn conflicts_with(&self, other: &Self) -> bool {
        self.method == other.method
            && self.access != other.access
            && self.segments == other.segments
    }

    /// Returns whether this entry lets clients run a handler that the entry for `GET` closes to
    /// them: routers serve `HEAD` with it.
    pub(crate) fn bypasses(&self, get: &Self) -> bool {
        self.method == Method::HEAD
            && get.method == Method::GET
            && self.segments == get.segments
            && !get.access.is_open()
            && self.access.clone().and(&get.access) != self.access
    }

    /// Returns whether the entry matches requests that a handler for this method serves.
    pub(crate) fn is_for(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::HEAD && *method == Method::GET)
    }

    /// Returns the method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the path or the template.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.pattern
    }

    /// Returns what the entry requires of a client.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }
}

impl fmt::Display for PolicyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.kind {
            PatternKind::Path => "",
            PatternKind::Template => "template ",
        };
        let path = self.pattern.escape_debug();
        write!(f, "{} {place}{path}: {}", self.method, self.access)
    }
}

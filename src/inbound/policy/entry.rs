//! One entry of the policies.

use std::fmt;

use http::Method;

use super::access::Access;
use super::template::{self, Template};
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::path;

/// One entry of the policies: a method and a path, or a template, with what they ask of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEntry {
    pub(crate) method: Method,
    pub(crate) kind: PatternKind,
    pub(crate) pattern: Box<str>,
    pub(crate) access: Access,
}

/// What the text of an entry is compared with.
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
        let entry = Self {
            method,
            kind,
            pattern: pattern.into(),
            access,
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

    /// Whether both are for the same requests and say different things of them.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        self.method == other.method
            && self.access != other.access
            && (self.pattern == other.pattern || self.has_shape_of(other))
    }

    /// Whether both are templates that differ in names only: no router has both.
    fn has_shape_of(&self, other: &Self) -> bool {
        let both = [self, other];
        both.iter().all(|entry| entry.kind == PatternKind::Template)
            && Template::parse(&self.pattern) == Template::parse(&other.pattern)
    }

    /// Whether it says something of requests that a handler for this method answers.
    pub(crate) fn is_for(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::HEAD && *method == Method::GET)
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path or the template, as it was given.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.pattern
    }

    /// What it asks of a caller.
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

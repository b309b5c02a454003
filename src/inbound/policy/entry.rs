//! One entry of the policies.

use std::fmt;

use http::Method;

use super::access::Access;
use super::error::InvalidPolicy;
use super::template::{self, Template};
use crate::path;

/// One entry of the policies: a method and a path, or a template, with what they ask of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEntry {
    pub(crate) method: Method,
    pub(crate) place: Place,
    pub(crate) text: Box<str>,
    pub(crate) access: Access,
}

/// What the text of an entry is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The path of the request.
    Path,
    /// The template that the router matched.
    Template,
}

impl PolicyEntry {
    pub(crate) fn checked(
        method: Method,
        place: Place,
        text: &str,
        access: Access,
    ) -> Result<Self, InvalidPolicy> {
        let entry = Self {
            method,
            place,
            text: text.into(),
            access,
        };
        match place {
            Place::Path if template::is_meant(text) => Err(InvalidPolicy::Template(entry)),
            Place::Path if !path::is_plain(text) => Err(InvalidPolicy::NotAPath(entry)),
            Place::Path => Ok(entry),
            Place::Template => match Template::parse(text) {
                None => Err(InvalidPolicy::NotATemplate(entry)),
                Some(template) if entry.access.is_open() && !template.is_plain() => {
                    Err(InvalidPolicy::NotAPath(entry))
                }
                Some(_) => Ok(entry),
            },
        }
    }

    /// Whether both are for the same requests and say different things of them.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        self.method == other.method
            && self.access != other.access
            && (self.text == other.text || self.has_shape_of(other))
    }

    /// Whether both are templates that differ in names only: no router has both.
    fn has_shape_of(&self, other: &Self) -> bool {
        let both = [self, other];
        both.iter().all(|entry| entry.place == Place::Template)
            && Template::parse(&self.text) == Template::parse(&other.text)
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
        &self.text
    }

    /// What it asks of a caller.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }
}

impl fmt::Display for PolicyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Path => "",
            Place::Template => "template ",
        };
        let path = self.text.escape_debug();
        write!(f, "{} {place}{path}: {}", self.method, self.access)
    }
}

//! The names of roles.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::parse_error::{ParseError, ParseErrorKind, is_name};

/// The name of a role: a named set of scopes in a key file.
///
/// It is 1 to 128 visible ASCII characters without space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(Arc<str>);

impl Role {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Role {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        if is_name(name) {
            Ok(Self(name.into()))
        } else {
            Err(ParseError::new(ParseErrorKind::Id))
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

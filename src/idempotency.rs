//! The idempotency key of an operation.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::parse_error::{ParseError, ParseErrorKind, is_name};

/// A name that a caller gives an operation, so that repeating the operation makes one key.
///
/// It belongs to one client: two clients may use the same one. It is stored in the clear and is
/// not a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// Wraps a mark that was derived from the name of a key, which is always valid.
    pub(crate) fn of_mark(mark: &str) -> Self {
        Self(mark.into())
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if is_name(text) {
            Ok(Self(text.into()))
        } else {
            Err(ParseError::new(ParseErrorKind::IdempotencyKey))
        }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

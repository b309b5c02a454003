//! The public names of keys and clients.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::parse_error::{ParseError, ParseErrorKind, is_name};

/// The public name of one key, for logs, lists and revocation. It tells nothing of the key itself.
///
/// It is 1 to 128 visible ASCII characters without space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Arc<str>);

/// The stable name of a client, whichever keys it has had.
///
/// It is 1 to 128 visible ASCII characters without space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

impl KeyId {
    /// Returns the name of the dummy record, which is checked when a token is unknown.
    pub(crate) fn dummy() -> Self {
        Self(Arc::from("-"))
    }

    /// Returns the name of the key of a principal for tests.
    pub(crate) fn for_tests() -> Self {
        Self(Arc::from("test"))
    }

    /// Returns a name of digits that were drawn for it, which are always valid.
    pub(crate) fn of_digits(digits: &[u8]) -> Self {
        Self(
            digits
                .iter()
                .map(|digit| char::from(*digit))
                .collect::<String>()
                .into(),
        )
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ClientId {
    /// Returns the client of the dummy record.
    pub(crate) fn dummy() -> Self {
        Self(Arc::from("-"))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        checked(name).map(Self)
    }
}

impl FromStr for ClientId {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        checked(name).map(Self)
    }
}

/// Returns names for a key that came without any, by its position in the list.
pub(crate) fn numbered(position: usize) -> (KeyId, ClientId) {
    let (key, client) = (format!("key-{position}"), format!("client-{position}"));
    (KeyId(key.into()), ClientId(client.into()))
}

/// Checks a name that logs and headers show: it must not break their lines.
fn checked(name: &str) -> Result<Arc<str>, ParseError> {
    if is_name(name) {
        Ok(name.into())
    } else {
        Err(ParseError::new(ParseErrorKind::Id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

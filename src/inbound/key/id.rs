//! Names that may be shown: of keys and of clients.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name.
const LONGEST: usize = 128;

/// The public name of one key: for logs, lists and revocation. It says nothing of the key itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Arc<str>);

/// The stable name of a client, whatever keys it has had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

impl KeyId {
    pub(crate) fn nobody() -> Self {
        Self(Arc::from("-"))
    }

    /// A name of digits that were drawn for it.
    pub(crate) fn of_digits(digits: &[u8]) -> Self {
        Self(
            digits
                .iter()
                .map(|digit| char::from(*digit))
                .collect::<String>()
                .into(),
        )
    }

    /// The name as it stands.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ClientId {
    pub(crate) fn nobody() -> Self {
        Self(Arc::from("-"))
    }

    /// The name as it stands.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = InvalidId;

    fn from_str(name: &str) -> Result<Self, InvalidId> {
        checked(name).map(Self)
    }
}

impl FromStr for ClientId {
    type Err = InvalidId;

    fn from_str(name: &str) -> Result<Self, InvalidId> {
        checked(name).map(Self)
    }
}

/// The names of a key that came without any: by its position.
pub(crate) fn numbered(position: usize) -> (KeyId, ClientId) {
    let (key, client) = (format!("key-{position}"), format!("client-{position}"));
    (KeyId(key.into()), ClientId(client.into()))
}

/// What is shown in logs and headers must not break their lines.
fn checked(name: &str) -> Result<Arc<str>, InvalidId> {
    let fits = (1..=LONGEST).contains(&name.len());
    if fits && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(name.into())
    } else {
        Err(InvalidId(()))
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

/// Not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId(());

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a name is 1 to {LONGEST} visible ASCII characters without space"
        )
    }
}

impl Error for InvalidId {}

//! The name that a caller gives an operation, so that doing it twice does it once.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest idempotency key.
const LONGEST: usize = 128;

/// The name that a caller gives an operation, so that asking for it twice makes one key.
///
/// It belongs to one client: two clients may use the same one. It is stored, and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// One that is made here, of the name of a key that was made here.
    pub(crate) fn of_mark(mark: &str) -> Self {
        Self(mark.into())
    }

    /// The name as it stands.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let fits = (1..=LONGEST).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidIdempotencyKey(()))
        }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidIdempotencyKey(());

impl fmt::Display for InvalidIdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an idempotency key is 1 to {LONGEST} visible ASCII characters without space"
        )
    }
}

impl Error for InvalidIdempotencyKey {}

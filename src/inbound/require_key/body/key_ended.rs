//! The error of a body whose key has ended.

use std::error::Error;
use std::fmt;

use crate::inbound::key::KeyStatus;

/// The error that ends a body whose client's key has ended, for whatever reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEndedError(KeyStatus);

impl KeyEndedError {
    pub(crate) const fn new(status: KeyStatus) -> Self {
        Self(status)
    }

    /// Returns the status of the key, which says why it has ended.
    #[must_use]
    pub const fn status(&self) -> KeyStatus {
        self.0
    }
}

impl fmt::Display for KeyEndedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the caller's key has ended: {}", self.0)
    }
}

impl Error for KeyEndedError {}

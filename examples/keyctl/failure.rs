//! Why the program did not do what it was told to, and with which exit code it says so.

use std::fmt;
use std::process::ExitCode;

use tower_rotating_auth::keyring::{KeyRingError, NotAllowed, StoreError};

use crate::line::chain;

#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer is no: a key is not valid, something is not allowed, the doctor found something.
    No(String),
    /// What it was told makes no sense; nothing was tried.
    Usage(String),
    /// It could not be done: a file that cannot be read or written.
    Failed(String),
}

impl Failure {
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::No(_) => 1,
            Self::Usage(_) => 2,
            Self::Failed(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No(why) | Self::Usage(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl From<KeyRingError> for Failure {
    fn from(error: KeyRingError) -> Self {
        match error.not_allowed() {
            Some(reason) => Self::No(not_allowed(reason)),
            None => Self::Failed(chain(&error)),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(chain(&error))
    }
}

/// What the library says, with what there is to do about it here.
fn not_allowed(why: &NotAllowed) -> String {
    match why {
        NotAllowed::TooManyKeys { client, limit } => format!(
            "the client {client} has {limit} live keys, and may not have more; revoke one first (`keyctl list` shows them)"
        ),
        NotAllowed::SeveralKeys(client) => format!(
            "the client {client} has several live keys; say which is meant, with --key ID (`keyctl list` shows them)"
        ),
        _ => chain(why),
    }
}

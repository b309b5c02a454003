//! Errors of the program, and the exit codes that they end with.

use std::error::Error as StdError;
use std::fmt;
use std::iter::successors;
use std::process::ExitCode;

use tower_rotating_auth::keyring::{KeyRingError, NotAllowed, StoreError};

/// The reason why the program ends without success.
#[derive(Debug)]
pub(crate) struct Error {
    kind: ErrorKind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorKind {
    /// The answer is no: a key is invalid, a change is not allowed, or `doctor` found something.
    No,
    /// The gateway or the demo could not start.
    Start,
    /// The options contradict each other or cannot be parsed. Nothing was tried.
    Usage,
    /// The command could not be carried out: a file could not be read or written.
    Failed,
}

impl Error {
    pub(crate) fn no(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::No, message)
    }

    pub(crate) fn start(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Start, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            ErrorKind::No | ErrorKind::Start => 1,
            ErrorKind::Usage => 2,
            ErrorKind::Failed => 3,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<KeyRingError> for Error {
    fn from(error: KeyRingError) -> Self {
        match error.not_allowed() {
            Some(reason) => Self::no(not_allowed(reason)),
            None => Self::failed(chain(&error)),
        }
    }
}

impl From<NotAllowed> for Error {
    fn from(reason: NotAllowed) -> Self {
        Self::no(not_allowed(&reason))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::failed(chain(&error))
    }
}

/// The library's message, and what to do about it with this program.
fn not_allowed(why: &NotAllowed) -> String {
    match why {
        NotAllowed::TooManyKeys { client, limit } => format!(
            "client {client} already has {limit} live keys; revoke one first \
             (`rotating-auth key list` shows them)"
        ),
        NotAllowed::SeveralKeys(client) => format!(
            "client {client} has several live keys; choose one with --key ID \
             (`rotating-auth key list` shows them)"
        ),
        NotAllowed::UnknownClient(client) => format!(
            "there is no client {client}; check the name (`rotating-auth key list` shows them)"
        ),
        NotAllowed::UnknownKey => {
            "there is no such key (`rotating-auth key list` shows them)".to_owned()
        }
        NotAllowed::ClientDisabled(client) => format!(
            "client {client} is disabled; run `rotating-auth key client --client {client} --enable` \
             first"
        ),
        NotAllowed::NoLiveKey(client) => format!(
            "client {client} has no live key to rotate; run `rotating-auth key issue --client {client}`"
        ),
        NotAllowed::Revoked(key) => {
            format!("key {key} was revoked; issue a new one (`rotating-auth key issue`)")
        }
        NotAllowed::Expired(key) => {
            format!("key {key} has expired; issue a new one (`rotating-auth key issue`)")
        }
        NotAllowed::Superseded { key, by } => format!(
            "key {key} was already replaced by {by}; run `rotating-auth key rotate --key {by}`"
        ),
        _ => chain(why),
    }
}

/// Formats an error and its causes in one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Iterates over an error, its cause, the cause of that, and so on.
pub(crate) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |error| (*error).source())
}

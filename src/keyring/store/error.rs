//! Errors of stores and sinks.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// An error that a [`Store`](crate::keyring::Store) or a [`Sink`](crate::keyring::Sink) returns.
/// [`kind`](Self::kind) says which.
///
/// The message and the source are logged: never put a secret or a digest into them.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: Cow<'static, str>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// What went wrong in a store or a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It could not be read or written, or it cannot say which key it holds.
    Failed,
    /// Another writer has changed the state since it was loaded.
    Conflict,
    /// Another rotator delivers to the same sink.
    InUse,
}

impl StoreError {
    /// Creates an error of kind [`StoreErrorKind::Failed`]. The message says what failed, then what
    /// to do.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: StoreErrorKind::Failed,
            message: message.into(),
            cause: None,
        }
    }

    /// Creates an error of kind [`StoreErrorKind::Conflict`]: the state is not at the serial that
    /// the commit is based on.
    #[must_use]
    pub const fn conflict() -> Self {
        Self {
            kind: StoreErrorKind::Conflict,
            message: Cow::Borrowed("another writer has changed the keys; load them and try again"),
            cause: None,
        }
    }

    /// Creates an error of kind [`StoreErrorKind::InUse`].
    pub fn in_use(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: StoreErrorKind::InUse,
            ..Self::new(message)
        }
    }

    /// Sets the cause, which [`Error::source`] returns.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(source.into());
        self
    }

    /// Returns what went wrong.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

//! Errors of a rotator.

use std::error::Error;
use std::fmt;

use crate::keyring::ring::KeyRingError;
use crate::keyring::store::StoreError;

/// An error that a [`Rotator`](crate::keyring::Rotator) returns. [`kind`](Self::kind) says which.
///
/// What was done before the error stays done. The next
/// [`catch_up`](crate::keyring::Rotator::catch_up) continues from there.
#[derive(Debug)]
pub struct RotatorError {
    kind: RotatorErrorKind,
    source: Option<Cause>,
}

/// What went wrong in a [`Rotator`](crate::keyring::Rotator).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RotatorErrorKind {
    /// The key ring failed; the source of the error is a [`KeyRingError`].
    Ring,
    /// The sink failed; the source of the error is a [`StoreError`].
    Sink,
    /// The sink holds another key than the one that was just delivered.
    Undelivered,
    /// The sink holds no key, the client may have either of two, and the policy leaves no room for
    /// a third.
    Unclear,
    /// Each step led to another one. Another rotator changes the keys of the same client.
    Unsettled,
}

#[derive(Debug)]
enum Cause {
    Ring(KeyRingError),
    Sink(StoreError),
}

impl RotatorError {
    pub(crate) const fn new(kind: RotatorErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Returns what went wrong.
    #[must_use]
    pub const fn kind(&self) -> RotatorErrorKind {
        self.kind
    }

    /// Returns the error of the key ring, if the kind is [`RotatorErrorKind::Ring`].
    #[must_use]
    pub const fn ring(&self) -> Option<&KeyRingError> {
        match &self.source {
            Some(Cause::Ring(error)) => Some(error),
            Some(Cause::Sink(_)) | None => None,
        }
    }

    /// Returns the error of the sink, if the kind is [`RotatorErrorKind::Sink`].
    #[must_use]
    pub const fn sink(&self) -> Option<&StoreError> {
        match &self.source {
            Some(Cause::Sink(error)) => Some(error),
            Some(Cause::Ring(_)) | None => None,
        }
    }
}

impl fmt::Display for RotatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RotatorErrorKind::Ring => "the key ring could not make the change that is due",
            RotatorErrorKind::Sink => "the sink failed",
            RotatorErrorKind::Undelivered => {
                "the sink does not hold the key that was just delivered; does somebody else write to it?"
            }
            RotatorErrorKind::Unclear => {
                "the sink holds no key, and the client may have either of two; a new key is made when the newer one is \
                 as old as the overlap. To get one now, allow more live keys, or revoke the key that the client does \
                 not have"
            }
            RotatorErrorKind::Unsettled => {
                "the rotation did not come to an end; run one rotator per client"
            }
        })
    }
}

impl Error for RotatorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Some(Cause::Ring(error)) => Some(error),
            Some(Cause::Sink(error)) => Some(error),
            None => None,
        }
    }
}

impl From<KeyRingError> for RotatorError {
    fn from(error: KeyRingError) -> Self {
        Self {
            kind: RotatorErrorKind::Ring,
            source: Some(Cause::Ring(error)),
        }
    }
}

impl From<StoreError> for RotatorError {
    fn from(error: StoreError) -> Self {
        Self {
            kind: RotatorErrorKind::Sink,
            source: Some(Cause::Sink(error)),
        }
    }
}

//! Why a rotation on a schedule did not go on.

use std::error::Error;
use std::fmt;

use super::sink::SinkError;
use crate::keyring::ring::KeyRingError;

/// Why a [`Rotator`](crate::keyring::Rotator) did not do what is due. It goes on from there when it is asked again.
#[derive(Debug)]
#[non_exhaustive]
pub enum RotatorError {
    /// The ring did not change.
    Ring(KeyRingError),
    /// The key was not delivered, or it cannot be told whether it was.
    Sink(SinkError),
    /// One step led to another without an end. Others change the client's keys at the same time: it has one rotator at most.
    Unsettled,
}

impl fmt::Display for RotatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ring(_) => "the key ring could not do what the rotation needs",
            Self::Sink(_) => "a new key could not be delivered",
            Self::Unsettled => {
                "the rotation came to no end; does another rotator change the keys of the same client?"
            }
        })
    }
}

impl Error for RotatorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Ring(error) => Some(error),
            Self::Sink(error) => Some(error),
            Self::Unsettled => None,
        }
    }
}

impl From<KeyRingError> for RotatorError {
    fn from(error: KeyRingError) -> Self {
        Self::Ring(error)
    }
}

impl From<SinkError> for RotatorError {
    fn from(error: SinkError) -> Self {
        Self::Sink(error)
    }
}

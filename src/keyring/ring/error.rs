//! Why an operation of a key ring came to nothing.

use std::error::Error;
use std::fmt;

use crate::keyring::decide::NotAllowed;
use crate::keyring::state::OlderKeyRingState;
use crate::keyring::store::StoreError;
use crate::keyring::token::NoRandomness;

/// Why an operation of a key ring came to nothing. Nothing has changed then, unless it says otherwise.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyRingError {
    /// It is not allowed; the error says what to do instead.
    NotAllowed(NotAllowed),
    /// It could not be written, or the store could not be read.
    Store(StoreError),
    /// The store failed, and cannot say whether it has written; or it did not answer in time, and may write yet. The
    /// keys here are what they were; the ring looks again before the next operation.
    Unknown(StoreError),
    /// The store has gone back to an older state, which is not taken in.
    Older(OlderKeyRingState),
    /// Others kept writing to the store at the same time.
    Contended,
    /// There are no random numbers to make a key of.
    NoRandomness(NoRandomness),
    /// The task of the ring is gone, with the runtime that it ran on.
    Stopped,
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed(_) => "the operation is not allowed",
            Self::Store(_) => "nothing has changed: the store failed",
            Self::Unknown(_) => {
                "the store failed, and may have written the change, or write it yet; look before you try again"
            }
            Self::Older(_) => "the store has gone back to an older state",
            Self::Contended => "nothing has changed: others keep writing to the store; try again",
            Self::NoRandomness(_) => "nothing has changed: no key could be made",
            Self::Stopped => "the key ring has stopped, with the runtime that it ran on",
        })
    }
}

impl Error for KeyRingError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotAllowed(why) => Some(why),
            Self::Store(error) | Self::Unknown(error) => Some(error),
            Self::Older(older) => Some(older),
            Self::NoRandomness(error) => Some(error),
            Self::Contended | Self::Stopped => None,
        }
    }
}

impl From<NotAllowed> for KeyRingError {
    fn from(why: NotAllowed) -> Self {
        Self::NotAllowed(why)
    }
}

impl From<NoRandomness> for KeyRingError {
    fn from(error: NoRandomness) -> Self {
        Self::NoRandomness(error)
    }
}

/// Why a key ring did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyRingStartError {
    /// The store could not be read.
    Store(StoreError),
    /// There is no tokio runtime to run the ring's task on.
    NoRuntime,
}

impl fmt::Display for KeyRingStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store(_) => "the keys could not be read",
            Self::NoRuntime => "a key ring is started in a tokio runtime",
        })
    }
}

impl Error for KeyRingStartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::NoRuntime => None,
        }
    }
}

//! What the layer tells of a rejection.

use std::error::Error;
use std::fmt;

use crate::generation::Generation;
use crate::rotating::RefreshError;

/// What was done about a rejection: an extension of the response, there exactly when the upstream
/// rejected the credential of the first attempt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The request was sent again, and this is the answer to that; it may be a rejection, too.
    Replayed {
        /// The generation that was rejected.
        rejected: Generation,
        /// The generation that the request was sent again with.
        generation: Generation,
    },
    /// The request was sent again with the generation before the rejected one, which the upstream does not take yet.
    /// This is the answer to that; it may be a rejection, too.
    FellBack {
        /// The generation that was rejected, and had not proven itself.
        rejected: Generation,
        /// The older generation that the request was sent again with.
        generation: Generation,
    },
    /// This is the rejection itself.
    Rejected {
        /// The generation that was rejected.
        rejected: Generation,
        /// Why the request was not sent again.
        why: NotReplayed,
    },
}

/// Why a request was not sent again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotReplayed {
    /// Its body could not be kept. The refresh runs all the same.
    BodyNotKept,
    /// There is no newer credential.
    RefreshError(RefreshError),
}

impl fmt::Display for NotReplayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BodyNotKept => "the body could not be kept for a second attempt",
            Self::RefreshError(_) => "there is no newer credential",
        })
    }
}

impl Error for NotReplayed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::BodyNotKept => None,
            Self::RefreshError(why) => Some(why),
        }
    }
}

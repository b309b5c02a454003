//! The outcome of a rejection.

use std::fmt;

use crate::generation::Generation;
use crate::rotating::RefreshError;

/// What the layer did about a rejected credential.
///
/// The layer puts it into the extensions of the response if the upstream rejected the credential of
/// the first attempt, and only then.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The request was replayed with a newer credential.
    ///
    /// The response is the answer to the replay, which may be a rejection too.
    Replayed {
        /// The generation that the upstream rejected.
        rejected: Generation,
        /// The generation of the replay.
        generation: Generation,
    },
    /// The request was replayed with the previous credential, because the upstream does not accept
    /// the new one yet.
    ///
    /// The response is the answer to the replay, which may be a rejection too.
    FellBack {
        /// The generation that the upstream rejected, and had not accepted when the request was
        /// sent.
        rejected: Generation,
        /// The older generation of the replay.
        generation: Generation,
    },
    /// The request was not replayed, and the response is the rejection itself.
    Rejected {
        /// The generation that the upstream rejected.
        rejected: Generation,
        /// Why the request was not replayed.
        reason: NotReplayed,
    },
}

/// The reason why a request was not replayed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotReplayed {
    /// The body could not be kept for a second attempt. The credential is refreshed all the same.
    BodyNotKept,
    /// There was no newer credential: the refresh failed, found the same one, timed out, or was
    /// refused.
    RefreshFailed(RefreshError),
}

impl fmt::Display for NotReplayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyNotKept => f.write_str("the body could not be kept for a second attempt"),
            Self::RefreshFailed(error) => write!(f, "there is no newer credential: {error}"),
        }
    }
}

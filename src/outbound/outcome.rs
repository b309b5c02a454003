//! The outcome of a rejection.

use std::fmt;

use crate::generation::Generation;
use crate::rotating::RefreshError;

/// What the layer did about a rejected request.
///
/// The layer puts it into the extensions of the response if the upstream rejected the first attempt
/// at the request, and only then.
///
/// # Examples
///
/// ```
/// use http::Response;
/// use tower_rotating_auth::outbound::Outcome;
///
/// /// Returns how often a request was sent.
/// fn sends<B>(response: &Response<B>) -> usize {
///     let outcome = response.extensions().get::<Outcome>();
///     outcome.map_or(1, |outcome| outcome.attempts().len())
/// }
/// assert_eq!(sends(&Response::new(())), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Outcome {
    attempts: Vec<Attempt>,
    not_replayed: Option<NotReplayed>,
}

/// One attempt at a request: the credential that it carried, and the upstream's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The generation of the credential.
    pub generation: Generation,
    /// What the upstream's answer said about the credential.
    pub result: AttemptResult,
}

/// What the upstream's answer to an attempt said about its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptResult {
    /// The answer was not a rejection.
    NotRejected,
    /// The answer was a rejection.
    Rejected,
    /// The answer was a rejection of a new credential that the upstream had not accepted before:
    /// the request tried whether it is active yet.
    NotActive,
    /// There was no answer: the attempt failed, or the caller cancelled it.
    NotAnswered,
}

impl Outcome {
    pub(crate) const fn new(attempts: Vec<Attempt>, not_replayed: Option<NotReplayed>) -> Self {
        Self {
            attempts,
            not_replayed,
        }
    }

    /// Returns the attempts that were made, in order: one or more, and at most as many as
    /// [`max_sends`](crate::outbound::InjectKeyLayer::max_sends) allows.
    ///
    /// The response is the answer to the last one.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Returns whether the request was sent again.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.attempts.len() > 1
    }

    /// Returns why the request was not sent once more, if the response is a rejection.
    #[must_use]
    pub const fn not_replayed(&self) -> Option<&NotReplayed> {
        self.not_replayed.as_ref()
    }
}

/// The reason why a rejected request was not sent once more.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotReplayed {
    /// The body could not be kept for another attempt. The credential is refreshed all the same.
    BodyNotKept,
    /// There was no newer credential: the refresh failed, found the same one, timed out, or was
    /// refused.
    RefreshFailed(RefreshError),
    /// The request was sent as often as
    /// [`max_sends`](crate::outbound::InjectKeyLayer::max_sends) allows.
    NoSendLeft,
}

impl NotReplayed {
    /// Returns the reason in a word or two, for logs and metrics. These words are stable.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.outcome().as_str()
    }

    pub(crate) const fn outcome(&self) -> ReplayOutcome {
        match self {
            Self::BodyNotKept => ReplayOutcome::BodyNotKept,
            Self::RefreshFailed(_) => ReplayOutcome::NoNewerKey,
            Self::NoSendLeft => ReplayOutcome::NoSendLeft,
        }
    }
}

/// What became of a request whose first attempt was rejected, as metrics and events say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplayOutcome {
    /// The answer to a replay was not a rejection.
    Recovered,
    /// Each replay was rejected, too.
    Rejected,
    /// The inner service failed.
    Failed,
    /// The caller dropped the future.
    Cancelled,
    /// There was no replay, for the reason that [`NotReplayed`] names.
    BodyNotKept,
    NoNewerKey,
    NoSendLeft,
}

impl ReplayOutcome {
    pub(crate) const ALL: [Self; 7] = [
        Self::Recovered,
        Self::Rejected,
        Self::Failed,
        Self::Cancelled,
        Self::BodyNotKept,
        Self::NoNewerKey,
        Self::NoSendLeft,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::BodyNotKept => "body_not_kept",
            Self::NoNewerKey => "no_newer_key",
            Self::NoSendLeft => "no_send_left",
        }
    }
}

impl AttemptResult {
    /// Returns the result in a word or two, for logs. These words are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotRejected => "not_rejected",
            Self::Rejected => "rejected",
            Self::NotActive => "not_active",
            Self::NotAnswered => "not_answered",
        }
    }
}

impl fmt::Display for NotReplayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyNotKept => f.write_str("the body could not be kept for another attempt"),
            Self::RefreshFailed(error) => write!(f, "there is no newer credential: {error}"),
            Self::NoSendLeft => f.write_str("the request was sent as often as it may be"),
        }
    }
}

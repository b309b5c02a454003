//! Events of a rotating credential.

use std::time::Duration;

use super::outcome::Attempt;
use crate::generation::Generation;
use crate::rotating;
use crate::rotating::TraceEvent;
use crate::source::{FetchReason, SourceErrorKind};

/// An event of a rotating credential.
pub type Event = rotating::Event<EventKind>;

/// The kinds of [`Event`] that a [`RotatingCredential`](crate::outbound::RotatingCredential) has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A new generation became current.
    Rotated {
        /// The new generation.
        generation: Generation,
        /// Why the source was asked; `None` if the credential was published manually.
        reason: Option<FetchReason>,
    },
    /// A fetch failed. The last good credential stays.
    RefreshFailed {
        /// The kind of the error.
        kind: SourceErrorKind,
        /// The number of failures in a row.
        failures: u32,
        /// The longest time until the next fetch.
        next_attempt: Duration,
    },
    /// The upstream accepted a generation for the first time.
    InUse {
        /// The accepted generation.
        generation: Generation,
    },
    /// The upstream has not accepted the current generation for the whole
    /// [overlap](crate::outbound::RotatingCredentialBuilder::overlap). The previous one stays in
    /// use. Check the new key.
    NeverAccepted {
        /// The current generation.
        generation: Generation,
    },
    /// The upstream rejected a request, and the layer sent it again with another generation.
    Replayed {
        /// What the upstream rejected.
        rejected: Vec<Attempt>,
        /// The generation of the replay.
        generation: Generation,
    },
    /// The upstream rejected a request, and the caller got that answer.
    Rejected {
        /// What the upstream rejected.
        rejected: Vec<Attempt>,
    },
}

impl From<rotating::EventKind> for EventKind {
    fn from(kind: rotating::EventKind) -> Self {
        match kind {
            rotating::EventKind::Rotated { generation, reason } => {
                Self::Rotated { generation, reason }
            }
            rotating::EventKind::RefreshFailed {
                kind,
                failures,
                next_attempt,
            } => Self::RefreshFailed {
                kind,
                failures,
                next_attempt,
            },
        }
    }
}

impl TraceEvent for EventKind {
    fn trace(&self, name: &str) {
        match self {
            Self::Rotated { generation, reason } => {
                tracing::info!(name, %generation, ?reason, "rotated");
            }
            Self::RefreshFailed {
                kind,
                failures,
                next_attempt,
            } => tracing::warn!(name, %kind, failures, ?next_attempt, "refresh failed"),
            Self::InUse { generation } => tracing::debug!(name, %generation, "in use"),
            Self::NeverAccepted { generation } => tracing::warn!(
                name,
                %generation,
                "the upstream has never accepted the new key; the previous one stays in use"
            ),
            Self::Replayed {
                rejected,
                generation,
            } => tracing::info!(name, ?rejected, %generation, "replayed"),
            Self::Rejected { rejected } => {
                tracing::warn!(name, ?rejected, "rejected by the upstream");
            }
        }
    }
}

//! Events of a rotating credential.

use std::time::Duration;

use http::{HeaderValue, Method};

use super::outcome::{Attempt, NotReplayed};
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
        /// The request that carried it. Empty if [`report_accepted`] reported the acceptance.
        ///
        /// [`report_accepted`]: crate::outbound::RotatingCredential::report_accepted
        request: RequestInfo,
    },
    /// The upstream has not accepted the current generation for the whole
    /// [overlap](crate::outbound::RotatingCredentialBuilder::overlap). The previous one stays in
    /// use. Check the new key.
    NeverAccepted {
        /// The current generation.
        generation: Generation,
    },
    /// The upstream rejected a request, and the layer sends it again with another generation.
    Replayed {
        /// What the upstream rejected.
        rejected: Vec<Attempt>,
        /// The generation of the replay.
        generation: Generation,
        /// The request.
        request: RequestInfo,
    },
    /// The upstream did not reject the replay of a request.
    Recovered {
        /// All attempts, in order.
        attempts: Vec<Attempt>,
        /// The request.
        request: RequestInfo,
    },
    /// The upstream rejected a request, and the caller got no answer after that.
    NotAnswered {
        /// All attempts, in order.
        attempts: Vec<Attempt>,
        /// `failed` if the last attempt failed, or `cancelled` if the caller cancelled the request.
        reason: &'static str,
        /// The request.
        request: RequestInfo,
    },
    /// The upstream rejected a request, and the caller got that answer.
    Rejected {
        /// What the upstream rejected.
        rejected: Vec<Attempt>,
        /// Why the request was not sent once more, in one word or two:
        /// [`NotReplayed::as_str`].
        not_replayed: &'static str,
        /// The request.
        request: RequestInfo,
    },
}

/// A request to the upstream, as events describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestInfo {
    /// The method, if the adapter knows it.
    pub method: Option<Method>,
    /// The request's `x-request-id`, if it has one.
    pub request_id: Option<HeaderValue>,
    /// The upstream's host and port. It has neither user information nor a path.
    pub peer: Option<Box<str>>,
    /// The place that the key is for: the URL of the [`Route`](crate::outbound::Route) that matched,
    /// or the origin of the request if the key is for any.
    pub route: Option<Box<str>>,
}

/// The longest text of a request in an event, in bytes.
const LONGEST: usize = 200;

impl EventKind {
    /// Returns the kind in a word or two, for logs. These words are stable.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rotated { .. } => "rotated",
            Self::RefreshFailed { .. } => "refresh_failed",
            Self::InUse { .. } => "in_use",
            Self::NeverAccepted { .. } => "never_accepted",
            Self::Replayed { .. } => "replayed",
            Self::Recovered { .. } => "recovered",
            Self::NotAnswered { .. } => "not_answered",
            Self::Rejected { .. } => "rejected",
        }
    }

    pub(crate) fn rejected(
        rejected: Vec<Attempt>,
        reason: &NotReplayed,
        request: RequestInfo,
    ) -> Self {
        Self::Rejected {
            rejected,
            not_replayed: reason.as_str(),
            request,
        }
    }
}

impl RequestInfo {
    /// Returns the request's id as text, if it is visible ASCII: at most 200 characters.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        let id = self.request_id.as_ref()?.to_str().ok()?;
        Some(&id[..id.len().min(LONGEST)])
    }

    /// Returns the fields of a log line: the id, the method, the peer and the route.
    fn fields(&self) -> (Option<&str>, Option<&str>, Option<&str>, Option<&str>) {
        (
            self.request_id(),
            self.method.as_ref().map(Method::as_str),
            self.peer.as_deref(),
            self.route.as_deref(),
        )
    }
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
        let event = self.as_str();
        match self {
            Self::Rotated { generation, reason } => {
                tracing::info!(event, name, %generation, ?reason, "rotated");
            }
            Self::RefreshFailed {
                kind,
                failures,
                next_attempt,
            } => tracing::warn!(event, name, %kind, failures, ?next_attempt, "refresh failed"),
            Self::InUse {
                generation,
                request,
            } => {
                let (request_id, method, peer, route) = request.fields();
                tracing::debug!(
                    event, name, %generation, request_id, method, peer, route, "in use"
                );
            }
            Self::NeverAccepted { generation } => tracing::warn!(
                event,
                name,
                %generation,
                "the upstream has never accepted the new key; the previous one stays in use"
            ),
            Self::Replayed {
                rejected,
                generation,
                request,
            } => {
                let (request_id, method, peer, route) = request.fields();
                tracing::info!(
                    event, name, ?rejected, %generation, request_id, method, peer, route, "replayed"
                );
            }
            Self::Recovered { attempts, request } => {
                let (request_id, method, peer, route) = request.fields();
                tracing::debug!(
                    event,
                    name,
                    ?attempts,
                    request_id,
                    method,
                    peer,
                    route,
                    "the replay was not rejected"
                );
            }
            Self::NotAnswered {
                attempts,
                reason,
                request,
            } => {
                let (request_id, method, peer, route) = request.fields();
                tracing::warn!(
                    event,
                    name,
                    ?attempts,
                    reason,
                    request_id,
                    method,
                    peer,
                    route,
                    "the caller got no answer after a rejection"
                );
            }
            Self::Rejected {
                rejected,
                not_replayed: reason,
                request,
            } => {
                let (request_id, method, peer, route) = request.fields();
                tracing::warn!(
                    event,
                    name,
                    ?rejected,
                    reason,
                    request_id,
                    method,
                    peer,
                    route,
                    "rejected by the upstream"
                );
            }
        }
    }
}

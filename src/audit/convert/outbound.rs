//! Audit events of upstream keys.

use std::sync::Arc;

use http::Method;

use crate::audit::action::AuditAction;
use crate::audit::event::{AuditAttempt, AuditEvent};
use crate::outbound::{Attempt, Event, EventKind, RequestInfo};
use crate::source::FetchReason;

impl From<&Event> for AuditEvent {
    fn from(event: &Event) -> Self {
        let new = |action| Self::new(event.at, Arc::clone(&event.name), action);
        match &event.kind {
            EventKind::Rotated { generation, reason } => Self {
                generation: Some(generation.get()),
                reason: Some(reason.map_or("published", FetchReason::as_str)),
                ..new(AuditAction::Rotated)
            },
            EventKind::RefreshFailed { kind, failures, .. } => Self {
                reason: Some(kind.as_str()),
                count: Some(u64::from(*failures)),
                ..new(AuditAction::RefreshFailed)
            },
            EventKind::InUse {
                generation,
                request,
            } => Self {
                generation: Some(generation.get()),
                ..new(AuditAction::InUse).of_request(request)
            },
            EventKind::NeverAccepted { generation } => Self {
                generation: Some(generation.get()),
                ..new(AuditAction::NeverAccepted)
            },
            EventKind::Recovered { attempts, request } => Self {
                reason: attempts.first().map(|attempt| attempt.result.as_str()),
                ..new(recovered(attempts)).with_attempts(attempts, request)
            },
            EventKind::NotAnswered {
                attempts,
                reason,
                request,
            } => Self {
                reason: Some(reason),
                ..new(AuditAction::NotAnswered).with_attempts(attempts, request)
            },
            EventKind::Rejected {
                rejected,
                not_replayed,
                request,
            } => Self {
                reason: Some(not_replayed),
                ..new(AuditAction::Rejected).with_attempts(rejected, request)
            },
            // `Recovered`, `NotAnswered` or `Rejected` follows, with all attempts.
            EventKind::Replayed {
                request, rejected, ..
            } => new(AuditAction::Other).with_attempts(rejected, request),
        }
    }
}

impl AuditEvent {
    fn with_attempts(self, attempts: &[Attempt], request: &RequestInfo) -> Self {
        let audited = |attempt: &Attempt| AuditAttempt {
            generation: attempt.generation.get(),
            result: attempt.result.as_str(),
        };
        Self {
            attempts: attempts.iter().map(audited).collect(),
            generation: attempts.last().map(|attempt| attempt.generation.get()),
            ..self.of_request(request)
        }
    }

    fn of_request(self, request: &RequestInfo) -> Self {
        Self {
            method: request.method.as_ref().map(Method::as_str).map(Box::from),
            request_id: request.request_id().map(Box::from),
            peer: request.peer.clone(),
            route: request.route.clone(),
            ..self
        }
    }
}

/// Returns which way a request went that was rejected first.
fn recovered(attempts: &[Attempt]) -> AuditAction {
    let first = attempts.first().map(|attempt| attempt.generation);
    let last = attempts.last().map(|attempt| attempt.generation);
    if last < first {
        AuditAction::FellBack
    } else {
        AuditAction::Replayed
    }
}

//! Audit events of rotating values.

use std::sync::Arc;

use crate::audit::action::AuditAction;
use crate::audit::event::AuditEvent;
use crate::rotating::{Event, EventKind};
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
        }
    }
}

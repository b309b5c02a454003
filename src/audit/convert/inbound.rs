//! Audit events of clients.

use std::sync::Arc;

use crate::audit::action::AuditAction;
use crate::audit::event::AuditEvent;
use crate::inbound::{ClientId, Event, EventKind, KeyId, KeyStatus};

impl From<&Event> for AuditEvent {
    fn from(event: &Event) -> Self {
        let new = |action| Self::new(event.at, Arc::clone(&event.name), action);
        match &event.kind {
            EventKind::Refused {
                reason,
                client,
                key_id,
                method,
                route,
                peer,
                client_ip,
                request_id,
                generation,
            } => Self {
                reason: Some(reason),
                client: client.as_ref().map(ClientId::as_str).map(Box::from),
                key_id: key_id.as_ref().map(KeyId::as_str).map(Box::from),
                method: Some(method.as_str().into()),
                route: Some(route.clone()),
                peer: peer.map(|peer| peer.to_string().into()),
                client_ip: *client_ip,
                request_id: request_id.clone(),
                generation: Some(generation.get()),
                ..new(AuditAction::Refused)
            },
            EventKind::Used {
                client,
                key_id,
                status,
                expires_at,
                method,
                route,
                peer,
                client_ip,
                request_id,
                generation,
            } => Self {
                reason: (*status == KeyStatus::InGrace).then_some("in_grace"),
                client: Some(client.as_str().into()),
                key_id: Some(key_id.as_str().into()),
                expires_at: *expires_at,
                method: Some(method.as_str().into()),
                route: Some(route.clone()),
                peer: peer.map(|peer| peer.to_string().into()),
                client_ip: *client_ip,
                request_id: request_id.clone(),
                generation: Some(generation.get()),
                ..new(AuditAction::Used)
            },
            EventKind::RefusalsNotReported { reason, count } => Self {
                reason: Some(reason),
                ..new(AuditAction::Refused)
            }
            .not_reported(*count),
        }
    }
}

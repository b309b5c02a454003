//! Audit events of key rings.

use std::sync::Arc;

use crate::audit::action::AuditAction;
use crate::audit::event::AuditEvent;
use crate::inbound::{ClientId, KeyId};
use crate::keyring::{Event, EventKind};

impl From<&Event> for AuditEvent {
    fn from(event: &Event) -> Self {
        let new = |action| Self::new(event.at, Arc::clone(&event.name), action);
        match &event.kind {
            EventKind::Published { generation } => Self {
                generation: Some(generation.get()),
                ..new(AuditAction::Published)
            },
            EventKind::ClientAdded { client } => new(AuditAction::ClientAdded).of_client(client),
            EventKind::ClientEnabled { client } => {
                new(AuditAction::ClientEnabled).of_client(client)
            }
            EventKind::ClientDisabled { client } => {
                new(AuditAction::ClientDisabled).of_client(client)
            }
            EventKind::ClientChanged { client } => {
                new(AuditAction::ClientChanged).of_client(client)
            }
            EventKind::Issued { client, key_id } => {
                new(AuditAction::KeyIssued).of_key(client, key_id)
            }
            EventKind::Imported { client, key_id } => {
                new(AuditAction::KeyImported).of_key(client, key_id)
            }
            EventKind::Rotated {
                client,
                key_id,
                replaces,
            } => Self {
                replaces: Some(replaces.as_str().into()),
                ..new(AuditAction::KeyRotated).of_key(client, key_id)
            },
            EventKind::Revoked { client, key_id } => {
                new(AuditAction::KeyRevoked).of_key(client, key_id)
            }
            EventKind::Retired { client, key_id } => {
                new(AuditAction::KeyRetired).of_key(client, key_id)
            }
            EventKind::Purged { keys } => Self {
                count: u64::try_from(*keys).ok(),
                ..new(AuditAction::KeysPurged)
            },
            EventKind::ReloadFailed { kind } => Self {
                reason: Some(kind.as_str()),
                ..new(AuditAction::ReloadFailed)
            },
        }
    }
}

impl AuditEvent {
    fn of_client(self, client: &ClientId) -> Self {
        Self {
            client: Some(client.as_str().into()),
            ..self
        }
    }

    fn of_key(self, client: &ClientId, key_id: &KeyId) -> Self {
        Self {
            key_id: Some(key_id.as_str().into()),
            ..self.of_client(client)
        }
    }
}

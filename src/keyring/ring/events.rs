//! Events of changes, and log lines about old keys. They hold ids, never digests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::inbound::Provenance;
use crate::keyring::event::EventKind;
use crate::keyring::state::{Ageing, Change, ClientEntry, ClientState, KeyRingState, KeyWarning};
use crate::rotating;
use crate::rotating::{Emit, Events};

/// The events of a ring, as the engine of its key set sees them.
pub(crate) struct OfKeySet(pub(crate) Arc<Events<EventKind>>);

impl Emit for OfKeySet {
    fn emit_of_engine(&self, kind: rotating::EventKind, at: SystemTime) {
        match kind {
            rotating::EventKind::Rotated { generation, .. } => {
                self.0.emit(EventKind::Published { generation }, at);
            }
            // A ring has a publisher and no source, so nothing refreshes its set.
            rotating::EventKind::RefreshFailed { .. } => {}
        }
    }

    fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    fn name(&self) -> &Arc<str> {
        self.0.name()
    }
}

/// Returns what a change did, compared with the state before.
pub(crate) fn events_of(before: &KeyRingState, change: &Change) -> Vec<EventKind> {
    let mut events = Vec::new();
    let has_changed_role = |client: &&ClientEntry| {
        let mut roles = change.roles().iter();
        roles.any(|(role, _)| client.roles().contains(role))
    };
    let clients = before.clients().filter(has_changed_role);
    let mut clients: Vec<_> = clients.map(|client| client.id().clone()).collect();
    clients.sort_unstable();
    let changed = clients.into_iter();
    events.extend(changed.map(|client| EventKind::ClientChanged { client }));
    for entry in change.clients() {
        let client = entry.id().clone();
        let state = before.client(&client).map(ClientEntry::state);
        events.push(match (state, entry.state()) {
            (None, _) => EventKind::ClientAdded { client },
            (Some(ClientState::Enabled), ClientState::Disabled) => {
                EventKind::ClientDisabled { client }
            }
            (Some(ClientState::Disabled), ClientState::Enabled) => {
                EventKind::ClientEnabled { client }
            }
            (Some(_), _) => EventKind::ClientChanged { client },
        });
    }
    for entry in change.keys() {
        let (key_id, client) = (entry.id().clone(), entry.client().clone());
        let event = match (before.key(&key_id), entry.replaces(), entry.provenance()) {
            (None, Some(replaces), _) => EventKind::Rotated {
                replaces: replaces.clone(),
                client,
                key_id,
            },
            (None, None, Provenance::Issued) => EventKind::Issued { client, key_id },
            (None, None, _) => EventKind::Imported { client, key_id },
            (Some(before), ..) if before.revoked_at() != entry.revoked_at() => {
                EventKind::Revoked { client, key_id }
            }
            (Some(before), ..) if before.retires_at() != entry.retires_at() => {
                EventKind::Retired { client, key_id }
            }
            // Only the scopes changed, together with those of the client, which has an event of
            // its own.
            (Some(_), ..) => continue,
        };
        events.push(event);
    }
    if !change.purged().is_empty() {
        let keys = change.purged().len();
        events.push(EventKind::Purged { keys });
    }
    events
}

/// Logs the keys that need an operator: a count of each kind, and one of them.
pub(crate) fn log_warnings(name: &str, state: &KeyRingState, now: SystemTime) {
    let mut kinds: BTreeMap<Ageing, Vec<KeyWarning>> = BTreeMap::new();
    for warning in state.warnings(now) {
        kinds.entry(warning.what).or_default().push(warning);
    }
    for (what, warnings) in kinds {
        let KeyWarning { key, client, .. } = &warnings[0];
        tracing::warn!(name, keys = warnings.len(), %client, %key, "{what}");
    }
}

//! Log lines about keys. They hold ids, never digests.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::inbound::Provenance;
use crate::keyring::state::{Ageing, Change, ClientEntry, ClientState, KeyRingState, KeyWarning};

/// Logs what a change did, compared with the state before.
pub(crate) fn log_change(name: &str, before: &KeyRingState, change: &Change) {
    for client in change.clients() {
        let id = client.id();
        let state = before.client(id).map(ClientEntry::state);
        match (state, client.state()) {
            (None, _) => tracing::info!(name, client = %id, "added a client"),
            (Some(ClientState::Enabled), ClientState::Disabled) => {
                tracing::warn!(name, client = %id, "disabled a client");
            }
            (Some(ClientState::Disabled), ClientState::Enabled) => {
                tracing::info!(name, client = %id, "enabled a client");
            }
            (Some(_), _) => tracing::info!(name, client = %id, "changed the scopes of a client"),
        }
    }
    for entry in change.keys() {
        let (key, client) = (entry.id(), entry.client());
        match (before.key(key), entry.replaces(), entry.provenance()) {
            (None, Some(replaced), _) => {
                tracing::info!(name, %client, %key, %replaced, "rotated a key");
            }
            (None, None, Provenance::Issued) => tracing::info!(name, %client, %key, "issued a key"),
            (None, None, _) => tracing::info!(name, %client, %key, "imported a key"),
            (Some(before), ..) if before.revoked_at() != entry.revoked_at() => {
                tracing::warn!(name, %client, %key, "revoked a key");
            }
            (Some(before), ..) if before.retires_at() != entry.retires_at() => {
                tracing::info!(name, %client, %key, "retired a key");
            }
            // Only the scopes changed, together with those of the client, which has a line of its
            // own.
            (Some(_), ..) => {}
        }
    }
    if !change.purged().is_empty() {
        tracing::info!(name, keys = change.purged().len(), "purged keys");
    }
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

//! What happens to keys, told to `tracing`: names, never digests.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::inbound::Provenance;
use crate::keyring::state::{Ageing, Change, ClientEntry, ClientState, KeyRingState, KeyWarning};

/// Tells what a change came to, by what it was before.
pub(crate) fn log_change(name: &str, before: &KeyRingState, change: &Change) {
    for client in change.clients() {
        let id = client.id();
        let state = before.client(id).map(ClientEntry::state);
        match (state, client.state()) {
            (None, _) => tracing::info!(name, client = %id, "a new client"),
            (Some(ClientState::Enabled), ClientState::Disabled) => {
                tracing::warn!(name, client = %id, "disabled a client");
            }
            (Some(ClientState::Disabled), ClientState::Enabled) => {
                tracing::info!(name, client = %id, "enabled a client");
            }
            (Some(_), _) => tracing::info!(name, client = %id, "changed what a client may do"),
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
                tracing::info!(name, %client, %key, "a key retires");
            }
            // Its client was told of.
            (Some(_), ..) => {}
        }
    }
    if !change.purged().is_empty() {
        tracing::info!(name, keys = change.purged().len(), "purged keys");
    }
}

/// Tells of keys that need an operator: how many there are of each kind, and one of them.
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

//! Converts the state of a key ring to the text of a key file, and back.

use std::path::Path;

use crate::inbound::{FileClient, FileKey, KeyFile, Unwritable};
use crate::keyring::state::{ClientEntry, ClientState, KeyEntry, KeyRingState};
use crate::keyring::store::StoreError;

pub(crate) fn read(text: &str, path: &Path) -> Result<KeyRingState, StoreError> {
    let not_a_ledger = || StoreError::new(format!("{path:?} is not a valid key file"));
    let KeyFile {
        serial,
        roles,
        clients,
        keys,
    } = KeyFile::parse(text).map_err(|invalid| not_a_ledger().with_source(invalid))?;
    let clients = clients.into_iter().map(client_entry);
    let keys = keys.into_iter().map(key_entry);
    KeyRingState::with_table(serial, roles, clients, keys)
        .map_err(|invalid| not_a_ledger().with_source(invalid))
}

/// Writes clients by name, and the keys of each client from its oldest to its newest.
pub(crate) fn write(ledger: &KeyRingState) -> Result<String, Unwritable> {
    let mut clients: Vec<_> = ledger.clients().collect();
    clients.sort_unstable_by_key(|client| client.id());
    let keys = clients
        .iter()
        .flat_map(|client| ledger.keys_of(client.id()));
    let file = KeyFile {
        serial: ledger.serial(),
        roles: ledger.role_table().clone(),
        keys: keys.map(file_key).collect(),
        clients: clients.into_iter().map(file_client).collect(),
    };
    file.to_text()
}

fn client_entry(client: FileClient) -> ClientEntry {
    let entry = ClientEntry::new(client.id, client.scopes).with_roles(client.roles);
    entry.with_state(if client.enabled {
        ClientState::Enabled
    } else {
        ClientState::Disabled
    })
}

fn file_client(client: &ClientEntry) -> FileClient {
    FileClient {
        id: client.id().clone(),
        scopes: client.scopes().clone(),
        roles: client.roles().to_vec(),
        enabled: client.state() == ClientState::Enabled,
    }
}

fn key_entry(key: FileKey) -> KeyEntry {
    KeyEntry::new(key.id, key.client, key.digest)
        .with_scopes(key.scopes)
        .with_roles(key.roles)
        .with_restrictions(key.restrictions)
        .with_created_at(key.created_at)
        .with_not_before(key.not_before)
        .with_not_after(key.not_after)
        .with_retires_at(key.retires_at)
        .with_revoked_at(key.revoked_at)
        .with_replaces(key.replaces)
        .with_provenance(key.provenance)
        .with_idempotency_key(key.idempotency_key)
}

fn file_key(key: &KeyEntry) -> FileKey {
    FileKey {
        id: key.id().clone(),
        client: key.client().clone(),
        digest: *key.digest(),
        scopes: key.scopes().cloned(),
        roles: key.roles().map(<[_]>::to_vec),
        restrictions: key.restrictions().clone(),
        created_at: key.created_at(),
        not_before: key.not_before(),
        not_after: key.not_after(),
        retires_at: key.retires_at(),
        revoked_at: key.revoked_at(),
        replaces: key.replaces().cloned(),
        provenance: key.provenance(),
        idempotency_key: key.idempotency_key().cloned(),
    }
}

//! Converts the state of a key ring to the text of a key file, and back.

use std::path::Path;

use crate::inbound::{KeyFile, Unwritable};
use crate::keyring::state::KeyRingState;
use crate::keyring::store::StoreError;

pub(crate) fn read(text: &str, path: &Path) -> Result<KeyRingState, StoreError> {
    let invalid_file = || StoreError::new(format!("{path:?} is not a valid key file"));
    let KeyFile {
        serial,
        roles,
        clients,
        keys,
    } = KeyFile::parse(text).map_err(|invalid| invalid_file().with_source(invalid))?;
    KeyRingState::with_table(serial, roles, clients, keys)
        .map_err(|invalid| invalid_file().with_source(invalid))
}

/// Writes clients by name, and the keys of each client from its oldest to its newest.
pub(crate) fn write(state: &KeyRingState) -> Result<String, Unwritable> {
    let mut clients: Vec<_> = state.clients().cloned().collect();
    clients.sort_unstable_by(|one, other| one.id().cmp(other.id()));
    let keys = clients.iter().flat_map(|client| state.keys_of(client.id()));
    let file = KeyFile {
        serial: state.serial(),
        roles: state.role_table().clone(),
        keys: keys.cloned().collect(),
        clients,
    };
    file.to_text()
}

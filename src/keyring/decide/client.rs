//! Clients: their scopes, and whether their keys are accepted.

use std::time::SystemTime;

use super::Decided;
use super::not_allowed::NotAllowed;
use crate::inbound::{ClientId, Scopes};
use crate::keyring::state::{Change, ClientEntry, ClientState, KeyRingState};

impl KeyRingState {
    /// Sets the scopes of a client, or creates it. Keys that have ended lose scopes that the client
    /// no longer has.
    pub(crate) fn set_scopes(
        &self,
        id: &ClientId,
        scopes: &Scopes,
        now: SystemTime,
    ) -> Decided<()> {
        let client = match self.client(id) {
            Some(client) => client.clone().with_scopes(scopes.clone()),
            None => ClientEntry::new(id.clone(), scopes.clone()),
        };
        let mut ended = Vec::new();
        for key in self.keys_of(id) {
            match key.grants(&client, self.role_table()) {
                Err(_) if !self.is_live(key, now) => ended.push(key.clone().without_scopes()),
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
        }
        let mut change = self.changing(client);
        change.keys = ended;
        Ok((change, ()))
    }

    /// Enables or disables a client. Its keys stay as they are.
    pub(crate) fn set_state(&self, id: &ClientId, state: ClientState) -> Decided<()> {
        let client = self.client(id);
        let client = client.ok_or_else(|| NotAllowed::UnknownClient(id.clone()))?;
        Ok((self.changing(client.clone().with_state(state)), ()))
    }

    fn changing(&self, client: ClientEntry) -> Change {
        let mut change = Change::default();
        if self.client(client.id()) != Some(&client) {
            change.clients.push(client);
        }
        change
    }
}

//! Clients: that they are there, what they may do, and whether they may at present.

use std::time::SystemTime;

use super::Decided;
use super::not_allowed::NotAllowed;
use crate::inbound::{ClientId, Scopes};
use crate::keyring::state::{Change, ClientEntry, ClientState, KeyRingState};

impl KeyRingState {
    /// A client with these scopes: a new one, or the one that is there, as enabled as it is. A key that has ended, and was
    /// made for more, is made for nothing.
    pub(crate) fn set_scopes(
        &self,
        id: &ClientId,
        scopes: &Scopes,
        now: SystemTime,
    ) -> Decided<()> {
        let state = self.client(id).map(ClientEntry::state).unwrap_or_default();
        let client = ClientEntry::new(id.clone(), scopes.clone()).with_state(state);
        let mut ended = Vec::new();
        for key in self.keys_of(id) {
            match key.check_scopes(&client) {
                Err(_) if !self.is_live(key, now) => ended.push(key.clone().without_scopes()),
                checked => checked?,
            }
        }
        let mut change = self.changing(client);
        change.keys = ended;
        Ok((change, ()))
    }

    /// A client in another state; its keys stay what they are.
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

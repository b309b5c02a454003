//! Clients: that they are there, what they may do, and whether they may at present.

use super::{Decided, NotAllowed};
use crate::inbound::{ClientId, Scopes};
use crate::keyring::ledger::{Change, ClientEntry, ClientState, Ledger};

impl Ledger {
    /// A client with these scopes: a new one, or the one that is there, as enabled as it is.
    pub(in crate::keyring) fn set_scopes(&self, id: &ClientId, scopes: &Scopes) -> Decided<()> {
        let state = self.client(id).map(ClientEntry::state).unwrap_or_default();
        let client = ClientEntry::new(id.clone(), scopes.clone()).with_state(state);
        for key in self.keys_of(id) {
            key.check_scopes(&client)?;
        }
        Ok((self.changing(client), ()))
    }

    /// A client in another state; its keys stay what they are.
    pub(in crate::keyring) fn set_state(&self, id: &ClientId, state: ClientState) -> Decided<()> {
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

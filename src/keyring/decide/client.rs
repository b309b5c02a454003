//! Clients and roles: their scopes, and whether keys are accepted.

use std::time::SystemTime;

use super::Decided;
use super::not_allowed::NotAllowed;
use crate::inbound::{ClientId, Role, RoleTable, Scopes};
use crate::keyring::state::{Change, ClientEntry, ClientState, KeyEntry, KeyRingState};

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
        self.changing_grants(client, now)
    }

    /// Sets the roles of a client, or creates it without scopes of its own. Keys that have ended
    /// lose what the client no longer has.
    pub(crate) fn set_roles(&self, id: &ClientId, roles: &[Role], now: SystemTime) -> Decided<()> {
        if let Some(unknown) = roles.iter().find(|role| !self.role_table().contains(role)) {
            return Err(NotAllowed::UnknownRole(unknown.clone()));
        }
        let client = match self.client(id) {
            Some(client) => client.clone(),
            None => ClientEntry::new(id.clone(), Scopes::default()),
        };
        self.changing_grants(client.with_roles(roles.iter().cloned()), now)
    }

    /// Sets the scopes of a role, or creates it. Keys that have ended lose what their client no
    /// longer has.
    pub(crate) fn set_role_scopes(
        &self,
        role: &Role,
        scopes: &Scopes,
        now: SystemTime,
    ) -> Decided<()> {
        let mut change = Change::default();
        if self.role_table().get(role) == Some(scopes) {
            return Ok((change, ()));
        }
        let mut table = self.role_table().clone();
        table.add(role.clone(), scopes.clone());
        for client in self
            .clients()
            .filter(|client| client.roles().contains(role))
        {
            change.keys.extend(self.narrowed(client, &table, now)?);
        }
        change.roles.push((role.clone(), scopes.clone()));
        Ok((change, ()))
    }

    /// Enables or disables a client. Its keys stay as they are.
    pub(crate) fn set_state(&self, id: &ClientId, state: ClientState) -> Decided<()> {
        let client = self.client(id);
        let client = client.ok_or_else(|| NotAllowed::UnknownClient(id.clone()))?;
        Ok((self.changing(client.clone().with_state(state)), ()))
    }

    fn changing_grants(&self, client: ClientEntry, now: SystemTime) -> Decided<()> {
        let ended = self.narrowed(&client, self.role_table(), now)?;
        let mut change = self.changing(client);
        change.keys = ended;
        Ok((change, ()))
    }

    /// Returns the keys that have ended and exceed what their client will have, without it. A live
    /// key that does is an error.
    fn narrowed(
        &self,
        client: &ClientEntry,
        roles: &RoleTable,
        now: SystemTime,
    ) -> Result<Vec<KeyEntry>, NotAllowed> {
        let mut ended = Vec::new();
        for key in self.keys_of(client.id()) {
            match key.grants(client, roles) {
                Err(_) if !self.is_live(key, now) => ended.push(key.clone().without_scopes()),
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
        }
        Ok(ended)
    }

    fn changing(&self, client: ClientEntry) -> Change {
        let mut change = Change::default();
        if self.client(client.id()) != Some(&client) {
            change.clients.push(client);
        }
        change
    }
}

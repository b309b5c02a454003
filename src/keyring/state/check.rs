//! The rules that a key keeps within a state.

use crate::inbound::entries::{ClientEntry, KeyEntry};
use crate::inbound::{Grants, KeySetError, RoleTable};

impl KeyEntry {
    /// Checks whether it can be a key of this client.
    pub(crate) fn check(&self, client: &ClientEntry, roles: &RoleTable) -> Result<(), KeySetError> {
        self.grants(client, roles)?;
        if let (Some(from), Some(until)) = (self.not_before, self.not_after) {
            if from >= until {
                return Err(KeySetError::never_valid(self.id.clone()));
            }
        }
        if self.digest.is_well_known() {
            return Err(KeySetError::well_known(self.id.clone()));
        }
        Ok(())
    }

    /// Returns the scopes and roles of the key. Fails if its client does not have all of them.
    pub(crate) fn grants(
        &self,
        client: &ClientEntry,
        roles: &RoleTable,
    ) -> Result<Grants, KeySetError> {
        let held = roles.grants(&client.scopes, &client.roles);
        let grants = roles.grants_of_key(&held, self.scopes.as_ref(), self.roles.as_deref());
        grants.ok_or_else(|| KeySetError::scope_exceeds_client(self.id.clone()))
    }
}

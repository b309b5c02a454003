//! The change that one operation makes.

use super::KeyRingState;
use crate::inbound::entries::{ClientEntry, KeyEntry, earlier};
use crate::inbound::{KeyId, Role, Scopes};

/// A change of one operation: the entries as they are afterwards, and the keys that are gone.
///
/// It says what is, not what was done. A store therefore writes rows, and needs no rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub(crate) roles: Vec<(Role, Scopes)>,
    pub(crate) clients: Vec<ClientEntry>,
    pub(crate) keys: Vec<KeyEntry>,
    pub(crate) purged: Vec<KeyId>,
}

impl Change {
    /// Returns the roles that are new or different, with their scopes.
    #[must_use]
    pub fn roles(&self) -> &[(Role, Scopes)] {
        &self.roles
    }

    /// Returns the clients that are new or different.
    #[must_use]
    pub fn clients(&self) -> &[ClientEntry] {
        &self.clients
    }

    /// Returns the keys that are new or different.
    #[must_use]
    pub fn keys(&self) -> &[KeyEntry] {
        &self.keys
    }

    /// Returns the keys that are removed.
    #[must_use]
    pub fn purged(&self) -> &[KeyId] {
        &self.purged
    }

    /// Returns whether a state contains the change: its keys have ended at least as early there.
    pub(crate) fn is_in(&self, state: &KeyRingState) -> bool {
        let keys = self.keys.iter().all(|entry| {
            state.key(&entry.id).is_some_and(|there| {
                there.digest == entry.digest
                    && (there.revoked_at.is_some() || entry.revoked_at.is_none())
                    && earlier(there.retires_at, entry.retires_at) == there.retires_at
            })
        });
        let mut roles = self.roles.iter();
        let mut clients = self.clients.iter();
        let mut purged = self.purged.iter();
        keys && roles.all(|(role, scopes)| state.role_table().get(role) == Some(scopes))
            && clients.all(|client| state.client(&client.id) == Some(client))
            && purged.all(|id| state.key(id).is_none())
    }

    pub(crate) fn removal_of(purged: Vec<KeyId>) -> Self {
        Self {
            purged,
            ..Self::default()
        }
    }

    /// Returns whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
            && self.clients.is_empty()
            && self.keys.is_empty()
            && self.purged.is_empty()
    }
}

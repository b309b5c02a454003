//! What one operation changes.

use super::entry::{ClientEntry, KeyEntry};
use crate::inbound::KeyId;

/// What one operation changes in a ledger: the entries as they are afterwards, and the keys that are gone.
///
/// It says what is, not what was done, so that a store writes rows and needs to know no rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub(super) clients: Vec<ClientEntry>,
    pub(super) keys: Vec<KeyEntry>,
    pub(super) purged: Vec<KeyId>,
}

impl Change {
    /// The clients that are new or different.
    #[must_use]
    pub fn clients(&self) -> &[ClientEntry] {
        &self.clients
    }

    /// The keys that are new or different.
    #[must_use]
    pub fn keys(&self) -> &[KeyEntry] {
        &self.keys
    }

    /// The keys that are not kept any more.
    #[must_use]
    pub fn purged(&self) -> &[KeyId] {
        &self.purged
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.keys.is_empty() && self.purged.is_empty()
    }
}

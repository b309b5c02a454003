//! The removal of keys that ended long ago.

use std::time::SystemTime;

use super::Decided;
use crate::inbound::{KeyId, Provenance};
use crate::keyring::issuance_policy::after;
use crate::keyring::state::{Change, KeyEntry, KeyRingState};

impl KeyRingState {
    /// Removes the keys that no older copy of this state could bring back.
    ///
    /// Those have a `not_after` long ago, and were not both imported and revoked. When a key was
    /// retired or revoked does not count, since an older copy does not know that.
    pub(crate) fn purge(&self, now: SystemTime) -> Decided<Vec<KeyId>> {
        let purged: Vec<_> = self
            .keys()
            .filter(|entry| self.is_purgeable(entry, now))
            .map(|entry| entry.id().clone())
            .collect();
        let change = Change {
            purged: purged.clone(),
            ..Change::default()
        };
        Ok((change, purged))
    }

    /// Returns whether the key may be removed at `now`.
    pub(crate) fn is_purgeable(&self, entry: &KeyEntry, now: SystemTime) -> bool {
        let kept_for = self.policy().purge_after;
        let is_over = entry
            .not_after()
            .is_some_and(|end| after(end, kept_for) <= now);
        // Without this entry, the token could be imported again with a later end.
        let could_come_back =
            entry.revoked_at().is_some() && entry.provenance() != Provenance::Issued;
        is_over && !could_come_back
    }
}

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
        self.purge_if(|_| true, now)
    }

    /// Does the same with those of the keys for which `is_meant` returns `true`.
    pub(crate) fn purge_if(
        &self,
        is_meant: impl Fn(&KeyEntry) -> bool,
        now: SystemTime,
    ) -> Decided<Vec<KeyId>> {
        let purgeable = |entry: &&KeyEntry| is_meant(entry) && self.is_purgeable(entry, now);
        let purged: Vec<_> = self
            .keys()
            .filter(purgeable)
            .map(|entry| entry.id().clone())
            .collect();
        Ok((Change::removal_of(purged.clone()), purged))
    }

    /// Removes a key whose token nobody has: no copy of this state can bring it back.
    pub(crate) fn discard(&self, key: &KeyId) -> Decided<()> {
        let there = self.key(key).map(|entry| entry.id().clone());
        Ok((Change::removal_of(there.into_iter().collect()), ()))
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

//! What is not worth keeping any more.

use std::time::SystemTime;

use super::Decided;
use crate::inbound::{KeyId, Provenance};
use crate::keyring::issuance_policy::after;
use crate::keyring::state::{Change, KeyEntry, KeyRingState};

impl KeyRingState {
    /// Forgets the keys that no older copy of this state could bring back: that were made to end, and ended long
    /// ago, and were not revoked if they came from elsewhere. When a key was retired or revoked does not count,
    /// since an older copy does not have that.
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

    pub(crate) fn is_purgeable(&self, entry: &KeyEntry, now: SystemTime) -> bool {
        let kept_for = self.policy().purge_after;
        let is_over = entry
            .not_after()
            .is_some_and(|end| after(end, kept_for) <= now);
        // Its token may be imported again, with another end.
        let could_come_back =
            entry.revoked_at().is_some() && entry.provenance() != Provenance::Issued;
        is_over && !could_come_back
    }
}

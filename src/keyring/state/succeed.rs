//! Corrections of a loaded state that has lost the end of a key.

use std::time::SystemTime;

use super::KeyRingState;
use super::change::Change;
use crate::inbound::entries::{KeyEntry, earlier};

impl KeyRingState {
    /// Returns what to correct in this loaded state before it replaces `current`.
    ///
    /// A key that was revoked or retired in `current` must be so here too, and every key that is
    /// not purgeable yet must still be there.
    pub(crate) fn corrections(&self, current: &Self, now: SystemTime) -> Change {
        let mut change = Change::default();
        let ended = |entry: &&KeyEntry| entry.retires_at.is_some() || entry.revoked_at.is_some();
        for entry in current.keys().filter(ended) {
            let mut corrected = match self.key_of(&entry.digest) {
                Some(loaded) => KeyEntry {
                    retires_at: earlier(loaded.retires_at, entry.retires_at),
                    revoked_at: earlier(loaded.revoked_at, entry.revoked_at),
                    ..loaded.clone()
                },
                None if self.key(&entry.id).is_none() && !current.is_purgeable(entry, now) => {
                    entry.clone()
                }
                None => continue,
            };
            if self.key(&corrected.id) == Some(&corrected) {
                continue;
            }
            let client = &corrected.client;
            let held = self.client(client).or_else(|| current.client(client));
            if held.is_none_or(|held| corrected.grants(held, self.role_table()).is_err()) {
                corrected = corrected.without_scopes();
            }
            let client = &corrected.client;
            if self.client(client).is_none() && change.clients.iter().all(|put| put.id != *client) {
                change.clients.extend(current.client(client).cloned());
            }
            change.keys.push(corrected);
        }
        change
    }
}

//! Which keys are alive, and which came after which.

use std::collections::HashSet;
use std::time::SystemTime;

use super::{NotAllowed, WhichKey};
use crate::inbound::{ClientId, KeyId};
use crate::keyring::ledger::{KeyEntry, Ledger};

impl Ledger {
    /// Whether the key is valid at `now`, or will be: neither revoked nor over.
    pub(in crate::keyring) fn is_live(&self, entry: &KeyEntry, now: SystemTime) -> bool {
        entry.revoked_at().is_none() && self.ends_at(entry).is_none_or(|end| now < end)
    }

    pub(super) fn live_keys_of(
        &self,
        client: &ClientId,
        now: SystemTime,
    ) -> impl Iterator<Item = &KeyEntry> {
        self.keys_of(client)
            .filter(move |entry| self.is_live(entry, now))
    }

    /// The live key that replaced this one.
    pub(in crate::keyring) fn successor_of(
        &self,
        entry: &KeyEntry,
        now: SystemTime,
    ) -> Option<&KeyEntry> {
        self.live_keys_of(entry.client(), now)
            .find(|other| other.replaces() == Some(entry.id()))
    }

    /// The keys before this one and after it, and the key itself.
    pub(super) fn lineage_of(&self, entry: &KeyEntry) -> Vec<&KeyEntry> {
        let mut found: HashSet<&KeyId> = HashSet::from([entry.id()]);
        let mut oldest = entry;
        // Also one that is not kept any more: the keys that replaced it are of one lineage.
        while let Some(id) = oldest.replaces().filter(|id| found.insert(id)) {
            let Some(before) = self.key(id) else { break };
            oldest = before;
        }
        loop {
            let known = found.len();
            for key in self.keys_of(entry.client()) {
                if key.replaces().is_some_and(|id| found.contains(id)) {
                    found.insert(key.id());
                }
            }
            if found.len() == known {
                break;
            }
        }
        self.keys_of(entry.client())
            .filter(|key| found.contains(key.id()))
            .collect()
    }

    /// The key that is meant, alive or not.
    pub(super) fn which(&self, which: &WhichKey, now: SystemTime) -> Result<&KeyEntry, NotAllowed> {
        let client = match which {
            WhichKey::Named(id) => return self.key(id).ok_or(NotAllowed::UnknownKey),
            WhichKey::Of(client) => client,
        };
        if self.client(client).is_none() {
            return Err(NotAllowed::UnknownClient(client.clone()));
        }
        let live: Vec<_> = self.live_keys_of(client, now).collect();
        let replaced: HashSet<_> = live.iter().filter_map(|entry| entry.replaces()).collect();
        let mut heads = live
            .iter()
            .copied()
            .filter(|entry| !replaced.contains(entry.id()));
        match (heads.next(), heads.next()) {
            (Some(entry), None) => Ok(entry),
            (Some(_), Some(_)) => Err(NotAllowed::SeveralKeys(client.clone())),
            (None, _) => Err(NotAllowed::NoLiveKey(client.clone())),
        }
    }
}

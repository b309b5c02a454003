//! Which keys are live, and which key replaced which.

use std::collections::HashSet;
use std::time::SystemTime;

use super::not_allowed::NotAllowed;
use crate::inbound::{ClientId, KeyId};
use crate::keyring::request::KeySelector;
use crate::keyring::state::{KeyEntry, KeyRingState};

impl KeyRingState {
    /// Returns whether the key is valid at `now`, or becomes valid later: neither revoked nor
    /// ended.
    pub(crate) fn is_live(&self, entry: &KeyEntry, now: SystemTime) -> bool {
        entry.revoked_at().is_none() && self.ends_at(entry).is_none_or(|end| now < end)
    }

    /// Returns the live keys of a client.
    pub(crate) fn live_keys_of(
        &self,
        client: &ClientId,
        now: SystemTime,
    ) -> impl Iterator<Item = &KeyEntry> {
        self.keys_of(client)
            .filter(move |entry| self.is_live(entry, now))
    }

    /// Returns the live key that replaced this one, directly or through keys that have ended since.
    pub(crate) fn successor_of(&self, entry: &KeyEntry, now: SystemTime) -> Option<&KeyEntry> {
        self.live_keys_of(entry.client(), now)
            .find(|other| self.replaced_by(other, now).contains(entry.id()))
    }

    /// Returns the keys whose successor is `entry`, back to the first one that is live.
    fn replaced_by<'a>(&'a self, entry: &'a KeyEntry, now: SystemTime) -> HashSet<&'a KeyId> {
        let mut replaced = HashSet::new();
        let mut next = entry.replaces();
        // An edited file may hold a circle.
        while let Some(id) = next.filter(|id| *id != entry.id() && replaced.insert(*id)) {
            let before = self.key(id).filter(|before| !self.is_live(before, now));
            next = before.and_then(KeyEntry::replaces);
        }
        replaced
    }

    /// Returns the key, the keys before it and those after it.
    pub(crate) fn lineage_of(&self, entry: &KeyEntry) -> Vec<&KeyEntry> {
        let mut found: HashSet<&KeyId> = HashSet::from([entry.id()]);
        let mut oldest = entry;
        // A purged key counts too: the keys that replaced it are of one lineage.
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

    /// Returns the selected key, live or not.
    pub(crate) fn select(
        &self,
        selector: &KeySelector,
        now: SystemTime,
    ) -> Result<&KeyEntry, NotAllowed> {
        let client = match selector {
            KeySelector::Named(id) => return self.key(id).ok_or(NotAllowed::UnknownKey),
            KeySelector::Of(client) => client,
        };
        if self.client(client).is_none() {
            return Err(NotAllowed::UnknownClient(client.clone()));
        }
        let live: Vec<_> = self.live_keys_of(client, now).collect();
        let replaced: HashSet<_> = live
            .iter()
            .flat_map(|entry| self.replaced_by(entry, now))
            .collect();
        let heads = live
            .into_iter()
            .filter(|entry| !replaced.contains(entry.id()));
        // A key in its grace here has lost its successor: select it only if there is no other.
        let (in_grace, others): (Vec<_>, Vec<_>) =
            heads.partition(|entry| entry.retires_at().is_some());
        match (&*others, &*in_grace) {
            ([entry], _) | ([], [entry]) => Ok(entry),
            ([], []) => Err(NotAllowed::NoLiveKey(client.clone())),
            _ => Err(NotAllowed::SeveralKeys(client.clone())),
        }
    }
}

//! What may be shown of keys: everything but their digests.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::KeyRingState;
use super::entry::{ClientState, KeyEntry};
use crate::idempotency::IdempotencyKey;
use crate::inbound::{ClientId, KeyId, KeyStatus, Provenance, Scopes};
use crate::keyring::issuance_policy::{Then, after};

/// What may be shown of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySummary {
    /// Its public name.
    pub id: KeyId,
    /// Whose it is.
    pub client: ClientId,
    /// Whether its client's keys are accepted at all.
    pub client_state: ClientState,
    /// Where it is in its life, whatever the state of its client.
    pub status: KeyStatus,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made, where that is known.
    pub created_at: Option<SystemTime>,
    /// From when on it is valid, if not from the beginning.
    pub not_before: Option<SystemTime>,
    /// When it ends by itself, or ended, if it does: for its own life, its grace, or its age.
    pub ends_at: Option<SystemTime>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<SystemTime>,
    /// Which key it is the successor of.
    pub replaces: Option<KeyId>,
    /// Where it comes from.
    pub provenance: Provenance,
    /// When it was last let in by this process, to the minute.
    pub last_used: Option<SystemTime>,
    /// The idempotency key of the operation that made it.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// A key that needs an operator, by its age.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyWarning {
    /// Which key.
    pub key: KeyId,
    /// Whose.
    pub client: ClientId,
    /// What is the matter.
    pub what: Ageing,
    /// Since when, or from when on: where that is known.
    pub at: Option<SystemTime>,
}

/// What is the matter with a key of some age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ageing {
    /// It ends soon, and has no successor.
    EndsSoon,
    /// It will be older than the policy allows soon.
    SoonTooOld,
    /// It is older than the policy allows.
    TooOld,
    /// Nobody knows how old it is.
    OfUnknownAge,
}

impl fmt::Display for Ageing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndsSoon => "a key without a successor ends soon; rotate it",
            Self::SoonTooOld => "a key is too old soon; rotate it",
            Self::TooOld => "a key is too old; rotate it",
            Self::OfUnknownAge => "nobody knows how old a key is; rotate it",
        })
    }
}

impl KeyRingState {
    /// The keys as they stand at `now`, by client and in the order in which they were made.
    #[must_use]
    pub fn summaries(&self, now: SystemTime) -> Vec<KeySummary> {
        let mut clients: Vec<_> = self.clients().collect();
        clients.sort_by_key(|client| client.id());
        let keys = clients
            .into_iter()
            .flat_map(|client| self.keys_of(&client.id).map(move |key| (client, key)));
        keys.map(|(client, entry)| KeySummary {
            id: entry.id.clone(),
            client: client.id.clone(),
            client_state: client.state,
            status: self.status(entry, now),
            scopes: entry.scopes.as_ref().unwrap_or(&client.scopes).clone(),
            created_at: entry.created_at,
            not_before: entry.not_before,
            ends_at: self.ends_at(entry),
            revoked_at: entry.revoked_at,
            replaces: entry.replaces.clone(),
            provenance: entry.provenance,
            last_used: self
                .set
                .find(&entry.digest)
                .and_then(|record| record.last_used()),
            idempotency_key: entry.idempotency_key.clone(),
        })
        .collect()
    }

    /// The live keys that need an operator at `now`: that end soon or are too old, as the policy has it, and
    /// have no successor.
    #[must_use]
    pub fn warnings(&self, now: SystemTime) -> Vec<KeyWarning> {
        let live = self.keys().filter(|entry| self.is_live(entry, now));
        let alone = live.filter(|entry| self.successor_of(entry, now).is_none());
        let warnings = alone.filter_map(|entry| {
            let (what, at) = self.ageing(entry, now)?;
            Some(KeyWarning {
                key: entry.id.clone(),
                client: entry.client.clone(),
                what,
                at,
            })
        });
        warnings.collect()
    }

    fn ageing(&self, entry: &KeyEntry, now: SystemTime) -> Option<(Ageing, Option<SystemTime>)> {
        let policy = self.policy().max_age;
        // A new key is none that ends soon, however short its life is.
        let is_near = |moment, life: Option<Duration>| {
            let ahead = life.map_or(policy.warn_ahead, |life| policy.warn_ahead.min(life / 4));
            moment <= after(now, ahead)
        };
        if let Some(end) = self.ends_at(entry) {
            let start = entry.not_before.max(entry.created_at);
            let life = start.and_then(|start| end.duration_since(start).ok());
            if is_near(end, life) {
                return Some((Ageing::EndsSoon, Some(end)));
            }
        }
        let Some(created_at) = entry.created_at else {
            return Some((Ageing::OfUnknownAge, None));
        };
        let too_old = after(created_at, policy.age);
        match policy.then {
            Then::Warn if too_old <= now => Some((Ageing::TooOld, Some(too_old))),
            Then::Warn if is_near(too_old, Some(policy.age)) => {
                Some((Ageing::SoonTooOld, Some(too_old)))
            }
            Then::Warn | Then::Refuse => None,
        }
    }

    fn status(&self, entry: &KeyEntry, now: SystemTime) -> KeyStatus {
        if entry.revoked_at.is_some() {
            KeyStatus::Revoked
        } else if !self.is_live(entry, now) {
            KeyStatus::Expired
        } else if entry.not_before.is_some_and(|from| now < from) {
            KeyStatus::NotYetValid
        } else if entry.retires_at.is_some() {
            KeyStatus::InGrace
        } else {
            KeyStatus::Active
        }
    }
}

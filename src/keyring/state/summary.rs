//! Summaries of keys and warnings about them, without digests.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::KeyRingState;
use crate::idempotency::IdempotencyKey;
use crate::inbound::entries::{ClientState, KeyEntry};
use crate::inbound::{
    CertificateDigest, ClientId, KeyId, KeyStatus, Networks, Provenance, Role, Scopes,
};
use crate::keyring::issuance_policy::{Then, after};

/// A summary of a key, without its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySummary {
    /// The id of the key.
    pub id: KeyId,
    /// The client of the key.
    pub client: ClientId,
    /// Whether the keys of the client are accepted.
    pub client_state: ClientState,
    /// The status of the key, whatever the state of its client.
    pub status: KeyStatus,
    /// The scopes of the key, those of its roles among them.
    pub scopes: Scopes,
    /// The roles of the key.
    pub roles: Vec<Role>,
    /// The networks that the key is accepted from; `None` for all.
    pub networks: Option<Networks>,
    /// The TLS client certificate that the key is bound to, if it is.
    pub certificate: Option<CertificateDigest>,
    /// When the key was made, if known.
    pub created_at: Option<SystemTime>,
    /// When the key becomes valid, if not at once.
    pub not_before: Option<SystemTime>,
    /// When the key ends or ended by itself: by its lifetime, its grace, or its age.
    pub ends_at: Option<SystemTime>,
    /// When the key was revoked, if it was.
    pub revoked_at: Option<SystemTime>,
    /// The key that it replaces.
    pub replaces: Option<KeyId>,
    /// The source of the key.
    pub provenance: Provenance,
    /// When this process last accepted the key, to the minute.
    pub last_used: Option<SystemTime>,
    /// The idempotency key of the operation that made the key.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// A key that needs an operator because of its age.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyWarning {
    /// The id of the key.
    pub key: KeyId,
    /// The client of the key.
    pub client: ClientId,
    /// What is wrong.
    pub what: Ageing,
    /// When that began or will begin, if known.
    pub at: Option<SystemTime>,
}

/// What is wrong with the age of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ageing {
    /// It ends soon and has no successor.
    EndsSoon,
    /// It will soon be older than the policy allows.
    SoonTooOld,
    /// It is older than the policy allows.
    TooOld,
    /// Its age is unknown.
    OfUnknownAge,
}

impl fmt::Display for Ageing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndsSoon => "a key without a successor ends soon; rotate it",
            Self::SoonTooOld => "a key will soon be too old; rotate it",
            Self::TooOld => "a key is too old; rotate it",
            Self::OfUnknownAge => "the age of a key is unknown; rotate it",
        })
    }
}

impl KeyRingState {
    /// Returns a summary of each key at `now`, by client, oldest first.
    #[must_use]
    pub fn summaries(&self, now: SystemTime) -> Vec<KeySummary> {
        let mut clients: Vec<_> = self.clients().collect();
        clients.sort_by_key(|client| client.id());
        let keys = clients
            .into_iter()
            .flat_map(|client| self.keys_of(&client.id).map(move |key| (client, key)));
        keys.map(|(client, entry)| {
            // An entry of a state was checked against its client.
            let grants = entry.grants(client, &self.roles).unwrap_or_default();
            (client, entry, grants)
        })
        .map(|(client, entry, grants)| KeySummary {
            scopes: grants.scopes,
            roles: grants.roles,
            id: entry.id.clone(),
            client: client.id.clone(),
            client_state: client.state,
            status: self.status(entry, now),
            networks: entry.networks().cloned(),
            certificate: entry.certificate(),
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

    /// Returns the valid keys that need an operator at `now`: they end soon or are too old for the
    /// policy, and have no successor.
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
        // A quarter of its life at most: a new key with a short life does not end soon.
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

//! A key that takes the place of another.

use crate::keyring::request::length_of_life;
use std::time::{Duration, SystemTime};

use super::issue::end_of_life;
use super::not_allowed::NotAllowed;
use super::{Decided, Drawn, Life, Made};
use crate::idempotency::IdempotencyKey;
use crate::inbound::{ClientId, KeyId, Provenance};
use crate::keyring::issuance_policy::after;
use crate::keyring::request::{IssueRequest, KeySelector};
use crate::keyring::state::{Change, ClientState, KeyEntry, KeyRingState, earlier};

/// A key to be rotated: replaced by a new one that may do the same.
///
/// ```
/// use std::time::Duration;
/// use tower_rotating_auth::{inbound::ClientId, keyring::RotateRequest};
///
/// let client: ClientId = "open-webui".parse()?;
/// let planned = RotateRequest::with_grace(&client, Duration::from_secs(3600));
/// let leaked = RotateRequest::compromised(&client);
/// # let _ = (planned, leaked);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RotateRequest {
    which: KeySelector,
    old: Fate,
    life: Life,
    idempotency_key: Option<IdempotencyKey>,
}

/// What becomes of the key that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Retires(Duration),
    IsRevoked,
}

/// What a rotation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The new key.
    pub key: KeyId,
    /// The key that it replaces.
    pub replaced: KeyId,
    /// When that is over: revoked at once, or at the end of its grace.
    pub over_at: SystemTime,
    /// Keys that the rotation has ended besides: of the lineage, when it was compromised; in an older grace,
    /// when there would be too many.
    pub ended: Vec<KeyId>,
}

impl RotateRequest {
    /// A new key; the old one stays valid for `grace`, or for what is left of its own life, or for as long as
    /// the policy allows, whichever is the shortest.
    pub fn with_grace(which: impl Into<KeySelector>, grace: Duration) -> Self {
        Self::new(which.into(), Fate::Retires(grace))
    }

    /// A new key; the old one is revoked at once, with every key before it and after it.
    pub fn compromised(which: impl Into<KeySelector>) -> Self {
        Self::new(which.into(), Fate::IsRevoked)
    }

    const fn new(which: KeySelector, old: Fate) -> Self {
        Self {
            which,
            old,
            life: Life::AsThePolicySays,
            idempotency_key: None,
        }
    }

    /// The new key is valid for so long. Unless told, as the policy says, and where it says nothing, for as long as
    /// the old one was made for; where nobody knows when that was made, for what is left of it.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.life = Life::For(lifetime);
        self
    }

    /// The new key is valid for as long as each key of these terms.
    pub(crate) const fn on_terms(mut self, terms: &IssueRequest) -> Self {
        self.life = terms.life_of_each();
        self
    }

    /// Asked for again with the same idempotency key, it makes no second key.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

impl KeyRingState {
    pub(crate) fn rotate(
        &self,
        rotate: &RotateRequest,
        drawn: &Drawn,
        now: SystemTime,
    ) -> Decided<Made<Rotation>> {
        if let Some(before) = self.rotated_before(rotate)? {
            return Ok((Change::default(), Made::Before(before.id().clone())));
        }
        let old = self.which(&rotate.which, now)?;
        let client = self
            .client(old.client())
            .filter(|client| client.state() == ClientState::Enabled)
            .ok_or_else(|| NotAllowed::ClientDisabled(old.client().clone()))?;
        let (old, mut changed) = match rotate.old {
            Fate::Retires(grace) => (old, vec![self.retiring(old, grace, now)?]),
            Fate::IsRevoked => self.revoking_lineage(old, now)?,
        };
        let over_at = changed.first().and_then(|entry| match rotate.old {
            Fate::Retires(_) => self.ends_at(entry),
            Fate::IsRevoked => entry.revoked_at(),
        });
        changed.extend(self.making_room(client.id(), &changed, now)?);

        let lifetime = self.policy().lifetime.or_else(|| length_of_life(old, now));
        let not_before = old.not_before().filter(|from| now < *from);
        let not_after = end_of_life(rotate.life, lifetime, not_before, self.policy(), now)?;
        let new = KeyEntry::new(drawn.id.clone(), client.id().clone(), drawn.digest)
            .with_scopes(old.scopes().cloned())
            .with_created_at(now)
            .with_not_before(not_before)
            .with_not_after(not_after)
            .with_replaces(old.id().clone())
            .with_provenance(Provenance::Issued)
            .with_idempotency_key(rotate.idempotency_key.clone());
        let rotation = Rotation {
            key: drawn.id.clone(),
            replaced: old.id().clone(),
            over_at: over_at.unwrap_or(now),
            ended: changed[1..]
                .iter()
                .map(|entry| entry.id().clone())
                .collect(),
        };
        changed.push(new);
        let change = Change {
            keys: changed,
            ..Change::default()
        };
        Ok((change, Made::Now(rotation)))
    }

    /// The key that this very rotation has made before.
    fn rotated_before(&self, rotate: &RotateRequest) -> Result<Option<&KeyEntry>, NotAllowed> {
        let (client, named) = match &rotate.which {
            KeySelector::Of(client) => (client, None),
            KeySelector::Named(id) => match self.key(id) {
                Some(entry) => (entry.client(), Some(entry)),
                None => return Ok(None),
            },
        };
        let Some(before) = self.made_before(client, rotate.idempotency_key.as_ref()) else {
            return Ok(None);
        };
        let is_same = before.replaces().is_some_and(|replaced| match rotate.old {
            Fate::Retires(_) => named.is_none_or(|named| named.id() == replaced),
            // What was replaced is the last of the lineage. Where it was not revoked, another rotation has made this key.
            Fate::IsRevoked => {
                is_revoked(self.key(replaced))
                    && named.is_none_or(|named| {
                        is_revoked(Some(named)) && self.lineage_of(named).contains(&before)
                    })
            }
        });
        match is_same {
            true => Ok(Some(before)),
            false => Err(NotAllowed::IdempotencyKeyReused(before.id().clone())),
        }
    }

    /// The key as it is when it has a successor: with its grace, which never makes its life longer.
    fn retiring(
        &self,
        old: &KeyEntry,
        grace: Duration,
        now: SystemTime,
    ) -> Result<KeyEntry, NotAllowed> {
        if old.revoked_at().is_some() {
            return Err(NotAllowed::Revoked(old.id().clone()));
        }
        if !self.is_live(old, now) {
            return Err(NotAllowed::Expired(old.id().clone()));
        }
        if let Some(successor) = self.successor_of(old, now) {
            return Err(NotAllowed::Superseded {
                key: old.id().clone(),
                by: successor.id().clone(),
            });
        }
        let end = after(now, grace.min(self.policy().max_grace));
        Ok(old
            .clone()
            .with_retires_at(earlier(old.retires_at(), Some(end))))
    }

    /// The live keys of a lineage, revoked; and the last of them, which is the one that is replaced.
    fn revoking_lineage(
        &self,
        meant: &KeyEntry,
        now: SystemTime,
    ) -> Result<(&KeyEntry, Vec<KeyEntry>), NotAllowed> {
        let live: Vec<_> = self
            .lineage_of(meant)
            .into_iter()
            .filter(|entry| self.is_live(entry, now))
            .collect();
        let last = live
            .iter()
            .rfind(|entry| self.successor_of(entry, now).is_none());
        let Some(&last) = last.or_else(|| live.last()) else {
            return Err(match meant.revoked_at() {
                Some(_) => NotAllowed::Revoked(meant.id().clone()),
                None => NotAllowed::Expired(meant.id().clone()),
            });
        };
        let others = live.iter().filter(|entry| entry.id() != last.id());
        let revoked = [&last]
            .into_iter()
            .chain(others)
            .map(|entry| KeyEntry::clone(entry).with_revoked_at(now));
        Ok((last, revoked.collect()))
    }

    /// The keys in an older grace that end so that one more key is not one too many, the nearest to its end
    /// first.
    fn making_room(
        &self,
        client: &ClientId,
        changed: &[KeyEntry],
        now: SystemTime,
    ) -> Result<Vec<KeyEntry>, NotAllowed> {
        let limit = self.policy().max_live_keys;
        let live = changed
            .iter()
            .filter(|entry| self.is_live(entry, now))
            .count();
        let others = self
            .live_keys_of(client, now)
            .filter(|entry| changed.iter().all(|changed| changed.id() != entry.id()));
        let (mut in_grace, others): (Vec<_>, Vec<_>) =
            others.partition(|entry| entry.retires_at().is_some());
        in_grace.sort_by_key(|entry| self.ends_at(entry));
        let excess = (live + others.len() + in_grace.len() + 1).saturating_sub(limit);
        if excess > in_grace.len() {
            let client = client.clone();
            return Err(NotAllowed::TooManyKeys { client, limit });
        }
        let ended = in_grace.into_iter().take(excess);
        Ok(ended
            .map(|entry| entry.clone().with_retires_at(now))
            .collect())
    }
}

/// Also of one that is not kept any more.
fn is_revoked(entry: Option<&KeyEntry>) -> bool {
    entry.is_none_or(|entry| entry.revoked_at().is_some())
}

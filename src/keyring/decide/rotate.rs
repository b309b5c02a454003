//! The rotation of a key.

use std::time::{Duration, SystemTime};

use super::issue::end_of_life;
use super::not_allowed::NotAllowed;
use super::{Candidate, Decided, Made};
use crate::inbound::entries::earlier;
use crate::inbound::{ClientId, KeyId, Provenance};
use crate::keyring::issuance_policy::after;
use crate::keyring::request::{KeySelector, OldKey, RotateRequest, lifetime_of};
use crate::keyring::state::{Change, ClientState, KeyEntry, KeyRingState};

/// The result of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The new key.
    pub key: KeyId,
    /// The key that it replaces.
    pub replaced: KeyId,
    /// When the replaced key ends: now if it was revoked, otherwise at the end of its grace.
    pub over_at: SystemTime,
    /// Other keys that the rotation ended: those of a compromised lineage, or those in an older
    /// grace when there would be too many.
    pub ended: Vec<KeyId>,
}

impl KeyRingState {
    pub(crate) fn rotate(
        &self,
        request: &RotateRequest,
        candidate: &Candidate,
        now: SystemTime,
    ) -> Decided<Made<Rotation>> {
        if let Some(before) = self.rotated_before(request)? {
            return Ok((Change::default(), Made::Before(before.id().clone())));
        }
        let old = self.select(&request.selector, now)?;
        let client = self
            .client(old.client())
            .filter(|client| client.state() == ClientState::Enabled)
            .ok_or_else(|| NotAllowed::ClientDisabled(old.client().clone()))?;
        let (old, mut changed) = match request.old_key {
            OldKey::Retire(grace) => (old, vec![self.retiring(old, grace, now)?]),
            OldKey::Revoke => self.revoking_lineage(old, now)?,
        };
        let over_at = changed.first().and_then(|entry| match request.old_key {
            OldKey::Retire(_) => self.ends_at(entry),
            OldKey::Revoke => entry.revoked_at(),
        });
        changed.extend(self.making_room(client.id(), &changed, now)?);

        let default = self.policy().lifetime.or(request.default_lifetime);
        let default = default.or_else(|| lifetime_of(old, now));
        let not_before = old.not_before().filter(|from| now < *from);
        let not_after = end_of_life(request.lifetime, default, not_before, self.policy(), now)?;
        let new = KeyEntry::new(candidate.id.clone(), client.id().clone(), candidate.digest)
            .with_scopes(old.scopes().cloned())
            .with_roles(old.roles().map(<[_]>::to_vec))
            .with_restrictions(old.restrictions().clone())
            .with_created_at(now)
            .with_not_before(not_before)
            .with_not_after(not_after)
            .with_replaces(old.id().clone())
            .with_provenance(Provenance::Issued)
            .with_idempotency_key(request.idempotency_key.clone());
        let rotation = Rotation {
            key: candidate.id.clone(),
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

    /// Returns the key that the same rotation made before.
    fn rotated_before(&self, request: &RotateRequest) -> Result<Option<&KeyEntry>, NotAllowed> {
        let (client, named) = match &request.selector {
            KeySelector::Of(client) => (client, None),
            KeySelector::Named(id) => match self.key(id) {
                Some(entry) => (entry.client(), Some(entry)),
                None => return Ok(None),
            },
        };
        let Some(before) = self.made_before(client, request.idempotency_key.as_ref()) else {
            return Ok(None);
        };
        let is_same = before
            .replaces()
            .is_some_and(|replaced| match request.old_key {
                OldKey::Retire(_) => named.is_none_or(|named| named.id() == replaced),
                // The replaced key is the last of the lineage. If it was not revoked, another
                // rotation made this key.
                OldKey::Revoke => {
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

    /// Returns the key with its grace, which never makes its life longer.
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

    /// Returns the last live key of a lineage, which is replaced, and all its live keys, revoked.
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

    /// Returns the keys in an older grace that end to make room for one more key, the next to end
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

/// Returns whether the key was revoked, or is not kept any more.
fn is_revoked(entry: Option<&KeyEntry>) -> bool {
    entry.is_none_or(|entry| entry.revoked_at().is_some())
}

//! A key set: an immutable snapshot of the accepted keys, found by digest.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::error::{KeySetError, KeySetErrorKind};
use crate::inbound::key::{ClientId, KeyDigest, KeyId, KeyRecord, KeyStatus, Scopes};
use crate::shards::Shards;

/// The keys that a server accepts: immutable, found by digest in one step, replaced whole.
///
/// A set of a million keys takes about 250 B a key, and a key ring changes one of them in 2 µs,
/// because copies share what they have in common: see `docs/key-set.md`, printed by
/// `cargo bench --bench key_set`.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::{KeyDigest, KeyRecord, KeySet, Scopes};
///
/// let record = KeyRecord::new("k1".parse()?, "open-webui".parse()?, Scopes::default());
/// let keys = KeySet::new([(KeyDigest::of(b"8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe"), record)])?;
/// assert_eq!(keys.len(), 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct KeySet {
    /// The count of a key file, so that an older file does not bring a revoked key back. It is the
    /// first field that is compared: where it differs, so do the sets.
    serial: u64,
    by_digest: Shards<KeyDigest, Arc<KeyRecord>>,
    /// Checked in place of a record when the token is unknown, so that both cost the same.
    dummy: Arc<KeyRecord>,
}

impl KeySet {
    /// Creates a set of these keys.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Empty`] if there is no key (see [`empty`](Self::empty)),
    /// [`DuplicateId`] or [`DuplicateKey`] if two keys share a name or a digest, [`NeverValid`] if
    /// one would expire before it becomes valid, and [`WellKnown`] if everybody knows one.
    ///
    /// [`Empty`]: KeySetErrorKind::Empty
    /// [`DuplicateId`]: KeySetErrorKind::DuplicateId
    /// [`DuplicateKey`]: KeySetErrorKind::DuplicateKey
    /// [`NeverValid`]: KeySetErrorKind::NeverValid
    /// [`WellKnown`]: KeySetErrorKind::WellKnown
    pub fn new<I>(keys: I) -> Result<Self, KeySetError>
    where
        I: IntoIterator<Item = (KeyDigest, KeyRecord)>,
    {
        let mut set = KeySetBuilder::default();
        for (digest, record) in keys {
            set.add(digest, record)?;
        }
        set.build()
    }

    /// Creates a set without a key, which refuses every caller that needs one.
    #[must_use]
    pub fn empty() -> Self {
        let (id, client) = (KeyId::dummy(), ClientId::dummy());
        Self {
            by_digest: Shards::new(),
            dummy: Arc::new(KeyRecord::new(id, client, Scopes::default())),
            serial: 0,
        }
    }

    pub(crate) const fn with_serial(mut self, serial: u64) -> Self {
        self.serial = serial;
        self
    }

    pub(crate) const fn serial(&self) -> u64 {
        self.serial
    }

    /// Returns how many keys there are, active or not.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.by_digest.len()
    }

    /// Returns whether there is no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the records, in no particular order.
    pub fn records(&self) -> impl Iterator<Item = &KeyRecord> {
        self.by_digest.values().map(AsRef::as_ref)
    }

    pub(crate) const fn dummy(&self) -> &Arc<KeyRecord> {
        &self.dummy
    }

    pub(crate) fn find(&self, digest: &KeyDigest) -> Option<&Arc<KeyRecord>> {
        self.by_digest.get(digest)
    }

    /// Adds a key, or replaces its record; when it was last used is kept.
    pub(crate) fn put(&mut self, digest: KeyDigest, record: KeyRecord) {
        if let Some(before) = self.find(&digest) {
            record.last_use.take_over(&before.last_use);
        }
        drop(self.by_digest.insert(digest, Arc::new(record)));
    }

    /// Takes over from another set when each key was last used.
    pub(crate) fn remember_uses_of(&self, other: &Self) {
        for (digest, record) in other.by_digest.iter() {
            if let Some(ours) = self.find(digest).filter(|_| record.last_used().is_some()) {
                ours.last_use.take_over(&record.last_use);
            }
        }
    }

    /// Removes a key.
    pub(crate) fn take(&mut self, digest: &KeyDigest) {
        drop(self.by_digest.remove(digest));
    }

    /// Checks that a service may start with these keys at `now`.
    ///
    /// # Errors
    ///
    /// Returns an error if every caller would be refused: of kind [`Empty`] if there is no key,
    /// [`NoneYetValid`] if none is active and some are not valid yet, and [`AllEnded`] otherwise.
    ///
    /// [`Empty`]: KeySetErrorKind::Empty
    /// [`NoneYetValid`]: KeySetErrorKind::NoneYetValid
    /// [`AllEnded`]: KeySetErrorKind::AllEnded
    pub fn fit_at(&self, now: SystemTime) -> Result<(), KeySetError> {
        let any = |status| self.records().any(|record| record.status_at(now) == status);
        if any(KeyStatus::Active) {
            Ok(())
        } else if self.is_empty() {
            Err(KeySetError::empty())
        } else if any(KeyStatus::NotYetValid) {
            Err(KeySetError::new(
                KeySetErrorKind::NoneYetValid,
                "no key is valid yet; check this machine's clock",
            ))
        } else {
            Err(KeySetError::new(
                KeySetErrorKind::AllEnded,
                "every key has expired or is revoked; issue a new one",
            ))
        }
    }
}

/// A set that is being made, key by key.
pub(crate) struct KeySetBuilder {
    set: KeySet,
    ids: HashSet<KeyId>,
}

impl Default for KeySetBuilder {
    fn default() -> Self {
        Self {
            set: KeySet::empty(),
            ids: HashSet::new(),
        }
    }
}

impl KeySetBuilder {
    pub(crate) fn add(&mut self, digest: KeyDigest, record: KeyRecord) -> Result<(), KeySetError> {
        let id = record.id.clone();
        if let (Some(from), Some(until)) = (record.not_before, record.not_after) {
            if from >= until {
                return Err(KeySetError::never_valid(id));
            }
        }
        if !self.ids.insert(id.clone()) {
            return Err(KeySetError::duplicate_id(id));
        }
        if digest.is_well_known() {
            return Err(KeySetError::well_known(id));
        }
        if let Some(other) = self.set.by_digest.insert(digest, Arc::new(record)) {
            return Err(KeySetError::duplicate_key(other.id.clone(), id));
        }
        Ok(())
    }

    pub(crate) fn build(self) -> Result<KeySet, KeySetError> {
        if self.set.is_empty() {
            return Err(KeySetError::empty());
        }
        Ok(self.set)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

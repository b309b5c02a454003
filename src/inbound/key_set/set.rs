//! The keys that are accepted: an immutable snapshot, found by digest.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::inbound::key::KeyDigest;
use crate::inbound::key::Scopes;
use crate::inbound::key::{ClientId, KeyId};
use crate::inbound::key::{KeyRecord, Standing};
use crate::shards::Shards;

/// The keys that are accepted: immutable, found by digest in one step, replaced whole.
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
    /// The count that a key file carries, so that an older one does not bring a revoked key back. It is the
    /// first that is compared: where it differs, so do the sets.
    serial: u64,
    by_digest: Shards<KeyDigest, Arc<KeyRecord>>,
    /// Looked at for a token that nobody has, so that it costs what a known one does.
    nobody: Arc<KeyRecord>,
}

impl KeySet {
    /// A set of these keys.
    ///
    /// # Errors
    ///
    /// When there is no key at all (see [`empty`](Self::empty)), when two keys share a digest or a name,
    /// when a key could never be valid, or when one is known to everybody.
    pub fn new<I>(keys: I) -> Result<Self, InvalidKeySet>
    where
        I: IntoIterator<Item = (KeyDigest, KeyRecord)>,
    {
        let mut set = Self::empty();
        let mut ids = HashSet::new();
        for (digest, record) in keys {
            let id = record.id.clone();
            if let (Some(from), Some(until)) = (record.not_before, record.not_after) {
                if from >= until {
                    return Err(InvalidKeySet::NeverValid(id));
                }
            }
            if !ids.insert(id.clone()) {
                return Err(InvalidKeySet::SameId(id));
            }
            if digest.is_well_known() {
                return Err(InvalidKeySet::WellKnown(id));
            }
            if let Some(other) = set.by_digest.insert(digest, Arc::new(record)) {
                return Err(InvalidKeySet::SameKey(other.id.clone(), id));
            }
        }
        if set.is_empty() {
            return Err(InvalidKeySet::Empty);
        }
        Ok(set)
    }

    /// A set without a key: every caller that needs one is refused.
    #[must_use]
    pub fn empty() -> Self {
        let (id, client) = (KeyId::nobody(), ClientId::nobody());
        Self {
            by_digest: Shards::new(),
            nobody: Arc::new(KeyRecord::new(id, client, Scopes::default())),
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

    /// How many keys there are, valid or not.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.by_digest.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records, in no order.
    pub fn records(&self) -> impl Iterator<Item = &KeyRecord> {
        self.by_digest.values().map(AsRef::as_ref)
    }

    pub(crate) const fn nobody(&self) -> &Arc<KeyRecord> {
        &self.nobody
    }

    pub(crate) fn find(&self, digest: &KeyDigest) -> Option<&Arc<KeyRecord>> {
        self.by_digest.get(digest)
    }

    /// Puts a key there, or puts it in another state: it stays used.
    pub(crate) fn put(&mut self, digest: KeyDigest, record: KeyRecord) {
        if let Some(before) = self.find(&digest) {
            record.last_use.take_over(&before.last_use);
        }
        drop(self.by_digest.insert(digest, Arc::new(record)));
    }

    /// Knows when keys were last used that another set knows it of.
    pub(crate) fn remember_uses_of(&self, other: &Self) {
        for (digest, record) in other.by_digest.iter() {
            if let Some(ours) = self.find(digest).filter(|_| record.last_used().is_some()) {
                ours.last_use.take_over(&record.last_use);
            }
        }
    }

    /// Takes a key out.
    pub(crate) fn take(&mut self, digest: &KeyDigest) {
        drop(self.by_digest.remove(digest));
    }

    /// Whether a service may open its doors with these keys at `now`.
    ///
    /// # Errors
    ///
    /// When there is no key that is valid at `now`: everybody would be refused.
    pub fn fit_at(&self, now: SystemTime) -> Result<(), UnfitKeySet> {
        let any = |standing| {
            self.records()
                .any(|record| record.standing_at(now) == standing)
        };
        if any(Standing::Valid) {
            Ok(())
        } else if self.is_empty() {
            Err(UnfitKeySet::Empty)
        } else if any(Standing::NotYetValid) {
            Err(UnfitKeySet::OnlyFuture)
        } else {
            Err(UnfitKeySet::OnlyEnded)
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Why keys are no key set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeySet {
    /// There is no key.
    Empty,
    /// Two keys have the same name.
    SameId(KeyId),
    /// Two records are of the same key.
    SameKey(KeyId, KeyId),
    /// A key would expire before it becomes valid.
    NeverValid(KeyId),
    /// A key that documentation and examples use, which everybody knows.
    WellKnown(KeyId),
}

impl fmt::Display for InvalidKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no key in the set"),
            Self::SameId(id) => write!(f, "two keys are named {id}"),
            Self::SameKey(one, other) => write!(f, "{one} and {other} are the same key"),
            Self::NeverValid(id) => write!(f, "the key {id} would expire before it becomes valid"),
            Self::WellKnown(id) => {
                write!(
                    f,
                    "the key {id} is one that everybody knows; make a new one"
                )
            }
        }
    }
}

impl Error for InvalidKeySet {}

/// Why a service must not open its doors with a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnfitKeySet {
    /// There is no key.
    Empty,
    /// Each key has expired, is revoked, or its client is disabled.
    OnlyEnded,
    /// No key is valid yet.
    OnlyFuture,
}

impl fmt::Display for UnfitKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no key that a client could present",
            Self::OnlyEnded => "every key has expired or is revoked; issue a new one",
            Self::OnlyFuture => "no key is valid yet; is this machine's clock right?",
        })
    }
}

impl Error for UnfitKeySet {}

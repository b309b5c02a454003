//! What a state says of one client and of one key.

use std::time::SystemTime;

use super::invalid::{Invalid, InvalidKeyRingState};
use crate::idempotency::IdempotencyKey;
use crate::inbound::{ClientId, KeyDigest, KeyId, KeyRecord, Provenance, Scopes};

/// A client: its name, what it may do, and whether it may do it at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientEntry {
    pub(crate) id: ClientId,
    pub(crate) scopes: Scopes,
    pub(crate) state: ClientState,
}

/// Whether the keys of a client are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientState {
    /// They are, each as it stands.
    #[default]
    Enabled,
    /// None is, until the client is enabled again.
    Disabled,
}

impl ClientEntry {
    /// A client that is enabled.
    #[must_use]
    pub const fn new(id: ClientId, scopes: Scopes) -> Self {
        Self {
            id,
            scopes,
            state: ClientState::Enabled,
        }
    }

    /// In this state.
    #[must_use]
    pub const fn with_state(mut self, state: ClientState) -> Self {
        self.state = state;
        self
    }

    /// The stable name of the client.
    #[must_use]
    pub const fn id(&self) -> &ClientId {
        &self.id
    }

    /// What the client may do. A key of it may do as much, or less.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Whether its keys are accepted.
    #[must_use]
    pub const fn state(&self) -> ClientState {
        self.state
    }
}

/// A key: whose it is, since when and until when it is valid, and what became of it. Not the key itself.
///
/// A state only ever shortens a key's life: [`retires_at`](Self::retires_at) and
/// [`revoked_at`](Self::revoked_at) are set once and never taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    pub(crate) id: KeyId,
    pub(crate) client: ClientId,
    pub(crate) digest: KeyDigest,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) created_at: Option<SystemTime>,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) not_after: Option<SystemTime>,
    pub(crate) retires_at: Option<SystemTime>,
    pub(crate) revoked_at: Option<SystemTime>,
    pub(crate) replaces: Option<KeyId>,
    pub(crate) provenance: Provenance,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

impl KeyEntry {
    /// A key of `client` that was issued here, is valid from now on for ever, and may do what its client may.
    #[must_use]
    pub const fn new(id: KeyId, client: ClientId, digest: KeyDigest) -> Self {
        Self {
            id,
            client,
            digest,
            scopes: None,
            created_at: None,
            not_before: None,
            not_after: None,
            retires_at: None,
            revoked_at: None,
            replaces: None,
            provenance: Provenance::Issued,
            idempotency_key: None,
        }
    }

    /// May do no more than this, which its client may do, too.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl Into<Option<Scopes>>) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// Made at this moment.
    #[must_use]
    pub fn with_created_at(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.created_at = moment.into();
        self
    }

    /// Not valid before this moment.
    #[must_use]
    pub fn with_not_before(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.not_before = moment.into();
        self
    }

    /// Not valid any more from this moment on, which was settled when it was made.
    #[must_use]
    pub fn with_not_after(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.not_after = moment.into();
        self
    }

    /// Retired by a rotation: its grace ends at this moment.
    #[must_use]
    pub fn with_retires_at(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.retires_at = moment.into();
        self
    }

    /// Revoked at this moment.
    #[must_use]
    pub fn with_revoked_at(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.revoked_at = moment.into();
        self
    }

    /// The successor of this key.
    #[must_use]
    pub fn with_replaces(mut self, key: impl Into<Option<KeyId>>) -> Self {
        self.replaces = key.into();
        self
    }

    /// Of this provenance.
    #[must_use]
    pub const fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Made by the operation that had this idempotency key.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.idempotency_key = key.into();
        self
    }

    /// The public name of the key. In a key file: `id`.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Whose key it is. In a key file: `client`.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// What is kept of the key itself. In a key file: `digest`.
    #[must_use]
    pub const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    /// What it may do, where that is less than its client may. In a key file: `scopes`.
    #[must_use]
    pub const fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// When it was made, where that is known. In a key file: `created_at`.
    #[must_use]
    pub const fn created_at(&self) -> Option<SystemTime> {
        self.created_at
    }

    /// From when on it is valid, if not from the beginning. In a key file: `not_before`.
    #[must_use]
    pub const fn not_before(&self) -> Option<SystemTime> {
        self.not_before
    }

    /// Until when it was made to be valid, if not for ever. In a key file: `not_after`.
    #[must_use]
    pub const fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// When its grace ends, once a rotation has replaced it. In a key file: `retires_at`.
    #[must_use]
    pub const fn retires_at(&self) -> Option<SystemTime> {
        self.retires_at
    }

    /// When it was revoked, if it was. In a key file: `revoked_at`.
    #[must_use]
    pub const fn revoked_at(&self) -> Option<SystemTime> {
        self.revoked_at
    }

    /// Which key it is the successor of. In a key file: `replaces`.
    #[must_use]
    pub const fn replaces(&self) -> Option<&KeyId> {
        self.replaces.as_ref()
    }

    /// Where it comes from. In a key file: `provenance`, `"imported"` or `"unchecked"`, absent where it was
    /// issued.
    #[must_use]
    pub const fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// The idempotency key of the operation that made it. In a key file: `idempotency_key`.
    #[must_use]
    pub const fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.idempotency_key.as_ref()
    }

    /// When it ends by itself: at the earlier of [`not_after`](Self::not_after) and
    /// [`retires_at`](Self::retires_at).
    #[must_use]
    pub fn ends_at(&self) -> Option<SystemTime> {
        earlier(self.not_after, self.retires_at)
    }

    /// Made for nothing: what a key that has ended could do does not matter any more, and must not stand in the way of what
    /// its client may do.
    pub(crate) fn without_scopes(self) -> Self {
        self.with_scopes(Scopes::default())
    }

    /// Whether it may be a key of this client.
    pub(crate) fn check(&self, client: &ClientEntry) -> Result<(), InvalidKeyRingState> {
        self.check_scopes(client)?;
        if let (Some(from), Some(until)) = (self.not_before, self.not_after) {
            if from >= until {
                return Err(Invalid::NeverValid(self.id.clone()).into());
            }
        }
        if self.digest.is_well_known() {
            return Err(Invalid::WellKnown(self.id.clone()).into());
        }
        Ok(())
    }

    /// Whether it may do no more than its client.
    pub(crate) fn check_scopes(&self, client: &ClientEntry) -> Result<(), InvalidKeyRingState> {
        match &self.scopes {
            Some(scopes) if !client.scopes.contains_all(scopes) => {
                Err(Invalid::MoreThanItsClient(self.id.clone()).into())
            }
            _ => Ok(()),
        }
    }

    /// What is published of it, where it is refused for its age from a moment on.
    pub(crate) fn record(&self, client: &ClientEntry, too_old: Option<SystemTime>) -> KeyRecord {
        let scopes = self.scopes.as_ref().unwrap_or(&client.scopes);
        let mut record = KeyRecord::new(self.id.clone(), client.id.clone(), scopes.clone().into());
        if let Some(moment) = self.not_before {
            record = record.not_before(moment);
        }
        if let Some(moment) = self.not_after {
            record = record.not_after(moment);
        }
        if let Some(moment) = earlier(self.retires_at, too_old) {
            record = record.retired_at(moment);
        }
        if self.revoked_at.is_some() {
            record = record.revoked();
        }
        if client.state == ClientState::Disabled {
            record = record.disabled();
        }
        record
    }
}

pub(crate) fn earlier(one: Option<SystemTime>, other: Option<SystemTime>) -> Option<SystemTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

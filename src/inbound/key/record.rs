//! The record of one key: its names, scopes and times.

use std::time::SystemTime;

use super::id::{ClientId, KeyId};
use super::last_use::LastUse;
use super::scope::Scopes;
use super::status::KeyStatus;

/// What a server stores of one key, besides its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub(crate) id: KeyId,
    pub(crate) client: ClientId,
    pub(crate) scopes: Scopes,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) not_after: Option<SystemTime>,
    pub(crate) revoked: bool,
    pub(crate) disabled: bool,
    pub(crate) last_use: LastUse,
}

impl KeyRecord {
    /// Creates the record of a key that is active at once and never expires.
    #[must_use]
    pub const fn new(id: KeyId, client: ClientId, scopes: Scopes) -> Self {
        Self {
            id,
            client,
            scopes,
            not_before: None,
            not_after: None,
            revoked: false,
            disabled: false,
            last_use: LastUse::new(),
        }
    }

    /// Sets the moment from which the key is accepted. Defaults to always.
    #[must_use]
    pub const fn not_before(mut self, moment: SystemTime) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// Sets the moment from which the key is no longer accepted. Defaults to never.
    ///
    /// It goes by the wall clock. If that is set back past this moment, the key is valid again.
    /// [Revoke](Self::revoked) a key to end it for certain.
    #[must_use]
    pub const fn not_after(mut self, moment: SystemTime) -> Self {
        self.not_after = Some(moment);
        self
    }

    /// Ends the key at `moment`, when a rotation retires it, if it does not end sooner.
    pub(crate) fn retired_at(mut self, moment: SystemTime) -> Self {
        if self.not_before.is_some_and(|from| moment <= from) {
            // It never becomes valid. That is meant here, and an error in `KeySet::new`.
            return self.revoked();
        }
        self.not_after = Some(self.not_after.map_or(moment, |until| until.min(moment)));
        self
    }

    /// Marks the key as revoked.
    #[must_use]
    pub const fn revoked(mut self) -> Self {
        self.revoked = true;
        self
    }

    /// Marks the key as one of a disabled client.
    #[must_use]
    pub const fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Returns the key's name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the client that the key belongs to.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Returns the scopes of the key.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Returns when the key expires, if it does.
    #[must_use]
    pub const fn expires_at(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// Returns when a layer of this process last found the key active, whatever its scopes; up to a
    /// minute early.
    #[must_use]
    pub fn last_used(&self) -> Option<SystemTime> {
        self.last_use.get()
    }

    /// Returns the status of the key at `now`.
    ///
    /// If several apply, the first of `Revoked`, `Disabled`, `Expired` and `NotYetValid` is
    /// returned. A record does not tell `InGrace` from `Active`.
    #[must_use]
    pub fn status_at(&self, now: SystemTime) -> KeyStatus {
        // Everything is compared whatever is found first, so that each status costs the same.
        let early = self.not_before.is_some_and(|from| now < from);
        let late = self.not_after.is_some_and(|until| now >= until);
        match (self.revoked, self.disabled, late, early) {
            (true, ..) => KeyStatus::Revoked,
            (_, true, ..) => KeyStatus::Disabled,
            (_, _, true, _) => KeyStatus::Expired,
            (_, _, _, true) => KeyStatus::NotYetValid,
            _ => KeyStatus::Active,
        }
    }
}

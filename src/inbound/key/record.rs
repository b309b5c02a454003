//! What a server keeps of one key.

use std::time::SystemTime;

use super::id::{ClientId, KeyId};
use super::last_use::LastUse;
use super::scope::Scopes;
use super::status::KeyStatus;

/// What a server keeps of one key, besides its digest.
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
    /// A key of `client` that is valid from now on for ever and may do nothing in particular.
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

    /// Not valid before this moment.
    #[must_use]
    pub const fn not_before(mut self, moment: SystemTime) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// Not valid any more from this moment on.
    #[must_use]
    pub const fn not_after(mut self, moment: SystemTime) -> Self {
        self.not_after = Some(moment);
        self
    }

    /// Retired by a rotation: not valid any more from this moment on, which never makes its life longer.
    pub(crate) fn retired_at(mut self, moment: SystemTime) -> Self {
        if self.not_before.is_some_and(|from| moment <= from) {
            // It never becomes valid, and that is no mistake.
            return self.revoked();
        }
        self.not_after = Some(self.not_after.map_or(moment, |until| until.min(moment)));
        self
    }

    /// Revoked.
    #[must_use]
    pub const fn revoked(mut self) -> Self {
        self.revoked = true;
        self
    }

    /// Of a client that is disabled.
    #[must_use]
    pub const fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// The key's name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Whose key it is.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// What it may do.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// When it expires, if it does.
    #[must_use]
    pub const fn expires_at(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// When the key was last let in by a layer of this process, to the minute.
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

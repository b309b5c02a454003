//! A key that a layer has checked, as it is needed to check it again.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::select;

use crate::clock::sleep_toward;
use crate::inbound::authenticator::Authenticator;
use crate::inbound::key::{KeyDigest, KeyRecord, KeyStatus};
use crate::inbound::key_set::{KeySet, judge};
use crate::rotating::Rotating;

/// A key that a layer has checked, as it is needed to check it again.
#[derive(Clone, Debug)]
pub(crate) struct CheckedKey {
    digest: KeyDigest,
    /// The layer that checked the key.
    authenticator: Arc<Authenticator>,
    /// The validator's verdict on the token, if it is no key of the set.
    validated: Option<Arc<KeyRecord>>,
}

impl CheckedKey {
    pub(crate) const fn new(digest: KeyDigest, authenticator: Arc<Authenticator>) -> Self {
        Self {
            digest,
            authenticator,
            validated: None,
        }
    }

    pub(crate) const fn validated(
        record: Arc<KeyRecord>,
        digest: KeyDigest,
        authenticator: Arc<Authenticator>,
    ) -> Self {
        Self {
            digest,
            authenticator,
            validated: Some(record),
        }
    }

    /// Returns whether a validator has accepted the token, which is no key of the set.
    pub(crate) const fn is_validated(&self) -> bool {
        self.validated.is_some()
    }

    pub(crate) const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    pub(crate) const fn authenticator(&self) -> &Arc<Authenticator> {
        &self.authenticator
    }

    pub(crate) fn keys(&self) -> &Rotating<KeySet> {
        &self.authenticator.keys
    }

    /// Waits until the key has ended, for whatever reason.
    pub(crate) async fn ended(&self) -> KeyStatus {
        let mut changes = self.keys().subscribe();
        loop {
            let until = match self.validity_at(self.keys().wall()) {
                Ok(until) => until,
                Err(ended) => return ended,
            };
            select! {
                change = changes.changed() => if change.is_none() {
                    self.expired().await;
                },
                () = sleep_toward(until, self.keys().wall()) => {}
            }
        }
    }

    /// Waits for the clock alone: the set will not change any more.
    async fn expired(&self) {
        while let Ok(until) = self.validity_at(self.keys().wall()) {
            sleep_toward(until, self.keys().wall()).await;
        }
    }

    /// Returns until when the key is active in the current set, or its status if it is not.
    pub(crate) fn validity_at(&self, now: SystemTime) -> Result<Option<SystemTime>, KeyStatus> {
        if let Some(record) = &self.validated {
            return match record.status_at(now) {
                KeyStatus::Active => Ok(record.not_after()),
                ended => Err(ended),
            };
        }
        let keys = self.keys().current();
        let record = judge(&keys, keys.find(&self.digest), now).map_err(|error| error.status)?;
        Ok(record.not_after())
    }
}

//! The state that watches a key while a body streams.

use std::time::SystemTime;

use crate::generation::Generation;
use crate::inbound::key::KeyStatus;
use crate::inbound::principal::{CheckedKey, Identity};

/// The state that watches a key while a body streams.
#[derive(Clone, Debug)]
pub(crate) struct KeyGuard {
    key: CheckedKey,
    /// The generation of the set in which the key was last found to be valid.
    seen: Generation,
    /// The time until which that set lets the key live.
    until: Option<SystemTime>,
}

impl KeyGuard {
    pub(crate) fn new(identity: &Identity) -> Self {
        Self {
            key: identity.checked().clone(),
            seen: identity.seen(),
            until: identity.record().not_after(),
        }
    }

    pub(crate) const fn key(&self) -> &CheckedKey {
        &self.key
    }

    /// Returns why the key has ended, if it has, without waiting.
    ///
    /// Costs one atomic load and one reading of the wall clock for each frame. It looks the key up
    /// only if the set has changed or the key's expiry has passed.
    pub(crate) fn look(&mut self) -> Option<KeyStatus> {
        let generation = self.key.keys().current().generation();
        // The clock is read only if it matters: most keys have no end.
        let wall = || self.key.keys().wall();
        if generation == self.seen && self.until.is_none_or(|until| wall() < until) {
            return None;
        }
        match self.key.validity_at(wall()) {
            Ok(until) => {
                (self.seen, self.until) = (generation, until);
                None
            }
            Err(ended) => Some(ended),
        }
    }
}

//! The early end of a grace.

use std::time::SystemTime;

use super::Decided;
use super::not_allowed::NotAllowed;
use crate::inbound::KeyId;
use crate::keyring::state::{Change, KeyRingState};

impl KeyRingState {
    /// Ends a key whose successor is valid, so that its client keeps a key.
    pub(crate) fn retire(&self, id: &KeyId, now: SystemTime) -> Decided<()> {
        let entry = self.key(id).ok_or(NotAllowed::UnknownKey)?;
        if !self.is_live(entry, now) {
            return Ok((Change::default(), ()));
        }
        let successor = self
            .successor_of(entry, now)
            .filter(|successor| successor.not_before().is_none_or(|from| from <= now));
        if successor.is_none() {
            return Err(NotAllowed::NotSuperseded(id.clone()));
        }
        let change = Change {
            keys: vec![entry.clone().with_retires_at(now)],
            ..Change::default()
        };
        Ok((change, ()))
    }
}

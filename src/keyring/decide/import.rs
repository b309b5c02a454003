//! The import of a key that was made elsewhere.

use std::time::SystemTime;

use super::not_allowed::NotAllowed;
use super::{Candidate, Decided, Made};
use crate::inbound::KeyId;
use crate::keyring::request::{ExternalKey, IssueRequest};
use crate::keyring::state::{Change, KeyRingState};

impl KeyRingState {
    /// Adds an external key, unless the client has it already. A key that was revoked does not come
    /// back; it is kept for that.
    pub(crate) fn import(
        &self,
        request: &IssueRequest,
        key: &ExternalKey,
        generated: &KeyId,
        now: SystemTime,
    ) -> Decided<Made<KeyId>> {
        if let Some(there) = self.key_of(&key.digest) {
            let id = there.id().clone();
            return match there.revoked_at() {
                Some(_) => Err(NotAllowed::Revoked(id)),
                None if !self.is_live(there, now) => Err(NotAllowed::Expired(id)),
                None if *there.client() != request.client => Err(NotAllowed::SameKey(id)),
                None => Ok((Change::default(), Made::Before(id))),
            };
        }
        if let Some(before) = self.made_before(&request.client, request.idempotency_key.as_ref()) {
            return Err(NotAllowed::IdempotencyKeyReused(before.id().clone()));
        }
        let id = key.id.as_ref().unwrap_or(generated);
        if self.key(id).is_some() {
            return Err(NotAllowed::SameId(id.clone()));
        }
        let candidate = Candidate {
            id: id.clone(),
            digest: key.digest,
        };
        self.add(request, &candidate, key.provenance, now)
    }
}

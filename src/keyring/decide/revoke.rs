//! The revocation of keys.

use std::time::SystemTime;

use super::Decided;
use super::not_allowed::NotAllowed;
use crate::inbound::KeyId;
use crate::keyring::request::RevokeRequest;
use crate::keyring::state::{Change, KeyEntry, KeyRingState};

impl KeyRingState {
    /// Revokes the selected keys. A key that was revoked before stays as it was.
    pub(crate) fn revoke(&self, request: &RevokeRequest, now: SystemTime) -> Decided<Vec<KeyId>> {
        let entries: Vec<&KeyEntry> = match request {
            RevokeRequest::Key(id) => vec![self.key(id).ok_or(NotAllowed::UnknownKey)?],
            RevokeRequest::Digest(digest) => {
                vec![self.key_of(digest).ok_or(NotAllowed::UnknownKey)?]
            }
            RevokeRequest::Client(client) => {
                if self.client(client).is_none() {
                    return Err(NotAllowed::UnknownClient(client.clone()));
                }
                self.keys_of(client).collect()
            }
        };
        let keys: Vec<_> = entries
            .into_iter()
            .filter(|entry| entry.revoked_at().is_none())
            .map(|entry| entry.clone().with_revoked_at(now))
            .collect();
        let ids = keys.iter().map(|entry| entry.id().clone()).collect();
        let change = Change {
            keys,
            ..Change::default()
        };
        Ok((change, ids))
    }
}

//! Keys that are not accepted any more.

use std::time::SystemTime;

use super::Decided;
use super::not_allowed::NotAllowed;
use crate::inbound::{ClientId, KeyDigest, KeyId};
use crate::keyring::state::{Change, KeyEntry, KeyRingState};
use crate::secret::Secret;

/// Which keys to revoke.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RevokeRequest {
    /// The key of this name.
    Key(KeyId),
    /// Each key of this client.
    Client(ClientId),
    /// The key with this digest.
    Digest(KeyDigest),
}

impl RevokeRequest {
    /// The key itself, as a report of a leak has it. It is looked at and not kept.
    #[must_use]
    pub fn token(token: &Secret) -> Self {
        Self::Digest(KeyDigest::of(token.expose_secret()))
    }
}

impl From<KeyId> for RevokeRequest {
    fn from(id: KeyId) -> Self {
        Self::Key(id)
    }
}

impl From<&KeyId> for RevokeRequest {
    fn from(id: &KeyId) -> Self {
        Self::Key(id.clone())
    }
}

impl From<ClientId> for RevokeRequest {
    fn from(client: ClientId) -> Self {
        Self::Client(client)
    }
}

impl From<&ClientId> for RevokeRequest {
    fn from(client: &ClientId) -> Self {
        Self::Client(client.clone())
    }
}

impl KeyRingState {
    /// Which keys are revoked now; one that was revoked before stays as it was.
    pub(crate) fn revoke(&self, revoke: &RevokeRequest, now: SystemTime) -> Decided<Vec<KeyId>> {
        let entries: Vec<&KeyEntry> = match revoke {
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

//! Which keys to revoke.

use crate::inbound::{ClientId, KeyDigest, KeyId};
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

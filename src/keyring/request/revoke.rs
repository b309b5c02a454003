//! The request to revoke keys.

use crate::inbound::{ClientId, KeyDigest, KeyId};
use crate::secret::Secret;

/// A request to revoke keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RevokeRequest {
    /// Revokes the key with this id.
    Key(KeyId),
    /// Revokes all keys of this client.
    Client(ClientId),
    /// Revokes the key with this digest.
    Digest(KeyDigest),
}

impl RevokeRequest {
    /// Revokes the key itself, as a leak report quotes it. Only its digest is kept.
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

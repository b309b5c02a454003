//! The selection of the key to rotate.

use crate::inbound::{ClientId, KeyId};

/// The key to rotate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySelector {
    /// The key with this id.
    Named(KeyId),
    /// The one live key of this client that has no successor. Selects a key in its grace, which has
    /// lost its successor, only if there is no other.
    Of(ClientId),
}

impl From<KeyId> for KeySelector {
    fn from(id: KeyId) -> Self {
        Self::Named(id)
    }
}

impl From<&KeyId> for KeySelector {
    fn from(id: &KeyId) -> Self {
        Self::Named(id.clone())
    }
}

impl From<ClientId> for KeySelector {
    fn from(client: ClientId) -> Self {
        Self::Of(client)
    }
}

impl From<&ClientId> for KeySelector {
    fn from(client: &ClientId) -> Self {
        Self::Of(client.clone())
    }
}

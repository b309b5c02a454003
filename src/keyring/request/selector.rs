//! Which key an operation is about.

use crate::inbound::{ClientId, KeyId};

/// Which key to rotate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySelector {
    /// The key of this name.
    Named(KeyId),
    /// The one key of this client that is live and has no successor; one that is in its grace, and has lost its successor, only
    /// where there is no other.
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

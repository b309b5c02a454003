//! The principal: who is calling.

use std::future::pending;

use super::anonymous::Anonymous;
use super::key_principal::KeyPrincipal;
use crate::inbound::key::KeyStatus;

/// Who is calling. The layer puts it into the extensions of each request whose key it checks.
///
/// There is none on a [`Public`](crate::inbound::policy::Access::Public) route, where no key is
/// read. What runs on such routes, too, takes `Option<Extension<Principal>>`. To tell callers with
/// a key from others there, make the route [`Optional`](crate::inbound::policy::Access::Optional).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Principal {
    /// A client with an active key.
    Key(KeyPrincipal),
    /// A caller without a key, on a route that needs none.
    Anonymous(Anonymous),
    /// Any caller: the layer was made to check no keys.
    Open,
}

impl Principal {
    /// Returns the client with a key, if it is one.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyPrincipal> {
        match self {
            Self::Key(principal) => Some(principal),
            Self::Anonymous(_) | Self::Open => None,
        }
    }

    /// Returns a copy for a handler, which may keep it for longer than the request lives.
    #[cfg(feature = "axum")]
    pub(crate) fn without_hidden(&self) -> Self {
        match self {
            Self::Key(principal) => Self::Key(principal.without_hidden()),
            Self::Anonymous(_) | Self::Open => self.clone(),
        }
    }

    /// Waits until the client's key has ended. Never returns for a caller without a key.
    ///
    /// See [`KeyPrincipal::ended`].
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: dropping the future changes nothing.
    pub async fn ended(&self) -> KeyStatus {
        match self {
            Self::Key(principal) => principal.ended().await,
            Self::Anonymous(_) | Self::Open => pending().await,
        }
    }
}

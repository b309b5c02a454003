//! The principal: who is calling.

use std::future::pending;

use super::key_principal::KeyPrincipal;
use crate::inbound::auth_error::AuthErrorResponse;
use crate::inbound::key::KeyStatus;
use crate::inbound::refusal::Refusals;

/// Who is calling. The layer puts it into the extensions of each request that it lets through.
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

/// A caller without a key.
#[derive(Clone, Debug)]
pub struct Anonymous(Refusals);

impl Anonymous {
    pub(crate) const fn new(refusals: Refusals) -> Self {
        Self(refusals)
    }

    pub(crate) const fn refusals(&self) -> &Refusals {
        &self.0
    }

    /// Returns how the layer refuses requests, for a handler that needs a key after all.
    pub fn error_response(&self) -> &AuthErrorResponse {
        self.0.response()
    }
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

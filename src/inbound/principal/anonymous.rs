//! A caller without a key.

use crate::inbound::auth_error::AuthErrorResponse;
use crate::inbound::refusal::Refusals;

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

//! The layer and its settings.

use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::service::ValidateKey;
use crate::inbound::require_key::RequireKeyLayer;
use crate::inbound::validator::Validator;

/// A [`Layer`] that requires a valid key, or a token that a [`Validator`] accepts.
///
/// [`RequireKeyLayer::validator`] creates it. It does what that layer does, and asks the validator
/// about a well-formed token that is no key of the set. A request with a key of the set costs one
/// more look-up.
///
/// The inner service must be `Clone`: while the validator is asked, the layer keeps the ready
/// instance for this request, and the next request gets a clone.
///
/// # Panics
///
/// The response future panics outside a Tokio runtime with a timer if it asks the validator.
#[derive(Debug)]
#[must_use]
pub struct ValidateKeyLayer<V> {
    require: RequireKeyLayer,
    validator: Arc<V>,
    timeout: Duration,
}

impl RequireKeyLayer {
    /// Asks a validator about tokens that are no keys of the set, such as JSON Web Tokens. By
    /// default, they are refused.
    ///
    /// The returned layer keeps all settings of this one. [`check_format`](Self::check_format) does
    /// not apply to such tokens, but
    /// [`max_token_len`](crate::inbound::KeyLocations::max_token_len) does: raise it for JSON Web
    /// Tokens.
    pub fn validator<V: Validator>(self, validator: V) -> ValidateKeyLayer<V> {
        ValidateKeyLayer {
            require: self,
            validator: Arc::new(validator),
            timeout: Duration::from_secs(5),
        }
    }
}

impl<V> ValidateKeyLayer<V> {
    /// Sets how long the validator may take. Defaults to 5 seconds. After that, the response is
    /// 503.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<V> Clone for ValidateKeyLayer<V> {
    fn clone(&self) -> Self {
        Self {
            require: self.require.clone(),
            validator: Arc::clone(&self.validator),
            timeout: self.timeout,
        }
    }
}

impl<S, V> Layer<S> for ValidateKeyLayer<V> {
    type Service = ValidateKey<S, V>;

    fn layer(&self, inner: S) -> Self::Service {
        let service = self.require.layer(inner);
        ValidateKey::new(service, Arc::clone(&self.validator), self.timeout)
    }
}

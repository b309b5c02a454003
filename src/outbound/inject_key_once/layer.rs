//! The layer that injects the key without replay.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::InjectKeyOnce;
use crate::outbound::adapter::ExtendedConnect;
use crate::outbound::config::{Config, Existing};
use crate::outbound::override_existing::OverrideExisting;

/// A layer that injects the current key into each request to its origin and passes every answer on.
///
/// Made by [`InjectKeyLayer::without_replay`](crate::outbound::InjectKeyLayer::without_replay).
#[derive(Clone, Debug)]
#[must_use]
pub struct InjectKeyOnceLayer {
    config: Arc<Config>,
    extended_connect: ExtendedConnect,
}

impl InjectKeyOnceLayer {
    pub(crate) fn new(config: Config, extended_connect: ExtendedConnect) -> Self {
        Self {
            config: Arc::new(config),
            extended_connect,
        }
    }
}

impl<S> Layer<S> for InjectKeyOnceLayer {
    type Service = InjectKeyOnce<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InjectKeyOnce::new(inner, Arc::clone(&self.config), self.extended_connect)
    }
}

impl OverrideExisting for InjectKeyOnceLayer {
    fn override_everywhere(mut self) -> Self {
        Arc::make_mut(&mut self.config).existing = Existing::OverrideEverywhere;
        self
    }
}

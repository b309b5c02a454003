//! The layer for connectors.

use std::time::Duration;

use tower_layer::Layer;

use super::connector::EarlyResponseConnector;
use super::stream::TIMEOUT;

/// A layer that wraps a connector in an [`EarlyResponseConnector`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use tower::ServiceBuilder;
/// use tower_rotating_auth::outbound::connect::EarlyResponseLayer;
///
/// let connector = ServiceBuilder::new()
///     .layer(EarlyResponseLayer::new().timeout(Duration::from_millis(200)))
///     .service(HttpConnector::new());
/// # drop(connector);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct EarlyResponseLayer {
    timeout: Duration,
}

impl EarlyResponseLayer {
    /// Creates a layer. The timeout is 500 ms.
    pub const fn new() -> Self {
        Self { timeout: TIMEOUT }
    }

    /// Sets how long a connection holds the error of a write. Defaults to 500 ms.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<C> Layer<C> for EarlyResponseLayer {
    type Service = EarlyResponseConnector<C>;

    fn layer(&self, inner: C) -> Self::Service {
        EarlyResponseConnector::new(inner).timeout(self.timeout)
    }
}

impl Default for EarlyResponseLayer {
    fn default() -> Self {
        Self::new()
    }
}

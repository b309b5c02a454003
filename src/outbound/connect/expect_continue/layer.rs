//! The layer.

use std::time::Duration;

use tower_layer::Layer;

use super::options::{Options, UnknownLength};
use super::service::ExpectContinue;

/// How long curl waits, too.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A layer that holds long uploads back until the upstream says `100 Continue`. See the
/// [module](super).
///
/// Put it between [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) and a hyper client.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ExpectContinueLayer {
    options: Options,
}

impl ExpectContinueLayer {
    /// Creates a layer that holds back uploads of more than `max_bytes`: use the limit of the
    /// [`BufferBody`](crate::outbound::replay::BufferBody) above.
    pub const fn new(max_bytes: u64) -> Self {
        Self {
            options: Options {
                max_bytes,
                unknown_length: UnknownLength::SendAtOnce,
                timeout: TIMEOUT,
            },
        }
    }

    /// Sets what to do with uploads of unknown length. Defaults to sending them at once.
    pub const fn unknown_length(mut self, unknown_length: UnknownLength) -> Self {
        self.options.unknown_length = unknown_length;
        self
    }

    /// Sets how long an upload waits for an upstream that says nothing. Defaults to 1 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }
}

impl<S> Layer<S> for ExpectContinueLayer {
    type Service = ExpectContinue<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ExpectContinue::new(inner, self.options)
    }
}

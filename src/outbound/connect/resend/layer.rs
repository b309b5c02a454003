//! The layer.

use tower_layer::Layer;

use super::no_response::Resend;
use super::service::ResendService;

/// A layer that sends a request once more if it got no response, where that is safe. See the
/// [module](super).
///
/// Put it between [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) and a hyper client. The body
/// is kept by a [`Replay`](crate::outbound::replay::Replay), as for the layer above; a recording
/// shares its bytes with that of the layer above.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ResendLayer<R> {
    replay: R,
    resend: Resend,
}

impl<R> ResendLayer<R> {
    /// Creates a layer that keeps bodies this way.
    pub const fn new(replay: R) -> Self {
        Self {
            replay,
            resend: Resend::Idempotent,
        }
    }

    /// Sets which requests are sent again. Defaults to [`Resend::Idempotent`].
    pub const fn resend(mut self, resend: Resend) -> Self {
        self.resend = resend;
        self
    }
}

impl<S, R: Clone> Layer<S> for ResendLayer<R> {
    type Service = ResendService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        ResendService::new(inner, self.replay.clone(), self.resend)
    }
}

//! Both halves in one layer.

use tower_layer::{Identity, Layer};

/// Keys that rotate, as one layer: [`inject`](RotatingAuthLayer::inject) puts the current key on what goes
/// out.
///
/// It is a stack and has no logic of its own; each half is a layer by itself, too. Without a half it is
/// not a layer.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RotatingAuthLayer<I = (), O = ()> {
    inbound: I,
    outbound: O,
}

impl RotatingAuthLayer {
    /// Without either half.
    pub const fn new() -> Self {
        Self {
            inbound: (),
            outbound: (),
        }
    }

    /// Puts the current key on what goes out: an [`InjectKey`](crate::InjectKey), with or without replay.
    pub fn inject<O>(self, outbound: O) -> RotatingAuthLayer<Identity, O> {
        RotatingAuthLayer {
            inbound: Identity::new(),
            outbound,
        }
    }
}

impl Default for RotatingAuthLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, I, O> Layer<S> for RotatingAuthLayer<I, O>
where
    O: Layer<S>,
    I: Layer<O::Service>,
{
    type Service = I::Service;

    fn layer(&self, inner: S) -> Self::Service {
        self.inbound.layer(self.outbound.layer(inner))
    }
}

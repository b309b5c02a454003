//! Both halves in one layer.

use tower_layer::{Identity, Layer};

/// Keys that rotate, as one layer: [`inject`](RotatingAuthLayer::inject) puts the current key on what goes
/// out.
///
/// It is a stack and has no logic of its own; each half is a layer by itself, too. Without a half it is
/// not a layer.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Full;
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// use tower::{ServiceBuilder, ServiceExt};
/// # #[cfg(feature = "file")]
/// use tower_rotating_auth::{FileSource, InjectKey, Rotating, RotatingAuthLayer, SecretSource};
///
/// # #[cfg(feature = "file")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("openai");
/// # std::fs::write(&path, "sk-1f0c")?;
/// // the file is rewritten, the process keeps running
/// let key = Rotating::start(FileSource::new(path).bearer()).await?; // fails here, never per request
/// let client = ServiceBuilder::new()
///     .layer(RotatingAuthLayer::new().inject(InjectKey::new("https://api.openai.com", key)?))
///     .service(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());
/// # let request: Request<Full<Bytes>> = Request::default();
/// # drop(client.oneshot(request));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "file"))]
/// # fn main() {}
/// ```
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

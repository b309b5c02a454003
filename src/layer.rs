//! Both halves in one layer.

use tower_layer::{Identity, Layer};

#[cfg(feature = "inbound")]
use crate::inbound::RequireKeyLayer;
#[cfg(all(feature = "inbound", feature = "outbound"))]
use crate::outbound::OverrideExisting;

/// Keys that rotate, as one layer: [`require`](RotatingAuthLayer::require) lets only clients with a valid key
/// in, [`inject`](RotatingAuthLayer::inject) puts the current key on what goes out.
///
/// It is a stack and has no logic of its own; each half is a layer by itself, too. Without a half it is
/// not a layer.
///
/// # A client
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Full;
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// use tower::{ServiceBuilder, ServiceExt};
/// # #[cfg(feature = "file")]
/// use tower_rotating_auth::{
///     Rotating,
///     RotatingAuthLayer,
///     outbound::{InjectKeyLayer, IntoCredential},
///     source::FileSource,
/// };
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
///     .layer(RotatingAuthLayer::new().inject(InjectKeyLayer::new("https://api.openai.com", key)?))
///     .service(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());
/// # let request: Request<Full<Bytes>> = Request::default();
/// # drop(client.oneshot(request));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "file"))]
/// # fn main() {}
/// ```
///
/// # A server
///
/// ```
/// use axum::{Router, routing::post};
/// # #[cfg(all(feature = "file", feature = "keyring", feature = "key-file"))]
/// use tower_rotating_auth::{
///     Rotating,
///     RotatingAuthLayer,
///     inbound::RequireKeyLayer,
///     source::FileSource,
/// };
///
/// # #[cfg(all(feature = "file", feature = "keyring", feature = "key-file"))]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("keys.toml");
/// # let digest = tower_rotating_auth::keyring::NewKey::generate()?.digest().to_text();
/// # std::fs::write(&path, format!(
/// #     "version = 1\n[[client]]\nid = \"c\"\n[[key]]\nid = \"k\"\nclient = \"c\"\ndigest = \"{digest}\"\n"
/// # ))?;
/// # async fn chat() {}
/// let keys = Rotating::start(FileSource::new(path).key_set()).await?;
/// let app: Router = Router::new()
///     .route("/v1/chat/completions", post(chat))
///     .layer(RotatingAuthLayer::new().require(RequireKeyLayer::new(keys).realm("llm-gateway")?));
/// # let _ = app;
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "file", feature = "keyring", feature = "key-file")))]
/// # fn main() {}
/// ```
///
/// # A gateway
///
/// The door stands before the router; the key goes on the client that its handlers call, as above. Where
/// one service is both, a proxy that is itself a Tower service, so is the layer:
///
/// ```
/// # use tower_rotating_auth::{
/// #     Rotating,
/// #     RotatingAuthLayer,
/// #     Secret,
/// #     inbound::{KeySet, RequireKeyLayer},
/// #     outbound::{Credential, InjectKeyLayer},
/// # };
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let upstream_url = "https://api.openai.com";
/// # let (key, _publisher) = Rotating::manual(Credential::bearer(&Secret::from("sk-1f0c"))?);
/// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
/// let layer = RotatingAuthLayer::new()
///     .require(RequireKeyLayer::new(keys))
///     .inject(InjectKeyLayer::new(upstream_url, key)?);
/// # drop(layer);
/// # Ok(())
/// # }
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

    /// Puts the current key on what goes out: an [`InjectKeyLayer`](crate::outbound::InjectKeyLayer), with or without replay.
    #[cfg(feature = "outbound")]
    pub fn inject<O>(self, outbound: O) -> RotatingAuthLayer<Identity, O> {
        RotatingAuthLayer {
            inbound: Identity::new(),
            outbound,
        }
    }

    /// Lets only clients with a valid key in.
    #[cfg(feature = "inbound")]
    pub fn require(self, inbound: RequireKeyLayer) -> RotatingAuthLayer<RequireKeyLayer, Identity> {
        RotatingAuthLayer {
            inbound,
            outbound: Identity::new(),
        }
    }
}

#[cfg(all(feature = "inbound", feature = "outbound"))]
impl RotatingAuthLayer<RequireKeyLayer, Identity> {
    /// Puts the current key on what goes out, in place of whatever a client may have put there.
    pub fn inject<O: OverrideExisting>(self, outbound: O) -> RotatingAuthLayer<RequireKeyLayer, O> {
        RotatingAuthLayer {
            inbound: self.inbound.before_our_key(),
            outbound: outbound.override_existing(),
        }
    }
}

#[cfg(all(feature = "inbound", feature = "outbound"))]
impl<O: OverrideExisting> RotatingAuthLayer<Identity, O> {
    /// Lets only clients with a valid key in; what they may have put in the place of our key makes way.
    pub fn require(self, inbound: RequireKeyLayer) -> RotatingAuthLayer<RequireKeyLayer, O> {
        RotatingAuthLayer {
            inbound: inbound.before_our_key(),
            outbound: self.outbound.override_existing(),
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

//! Both halves in one layer.

use tower_layer::{Identity, Layer};

#[cfg(feature = "inbound")]
use crate::inbound::RequireKeyLayer;
#[cfg(all(feature = "inbound", feature = "outbound"))]
use crate::outbound::OverrideExisting;

/// A layer of either half, or of both: [`inject`](RotatingAuthLayer::inject) puts the current key
/// on outgoing requests, [`require`](RotatingAuthLayer::require) lets only requests with a valid
/// key in.
///
/// It is a stack without logic of its own, and each half is a layer by itself too. It implements
/// [`Layer`] once it has a half:
///
/// ```
/// # use tower_rotating_auth::{
/// #     Rotating,
/// #     RotatingAuthLayer,
/// #     inbound::{KeySet, RequireKeyLayer},
/// # };
/// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
/// let app: axum::Router = axum::Router::new()
///     .route("/", axum::routing::get(|| async { "hello" }))
///     .layer(RotatingAuthLayer::new().require(RequireKeyLayer::new(keys)));
/// # drop(app);
/// ```
///
/// Without a half, it would guard nothing, and does not compile:
///
/// ```compile_fail,E0277
/// # use tower_rotating_auth::{
/// #     Rotating,
/// #     RotatingAuthLayer,
/// #     inbound::{KeySet, RequireKeyLayer},
/// # };
/// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
/// let app: axum::Router = axum::Router::new()
///     .route("/", axum::routing::get(|| async { "hello" }))
///     .layer(RotatingAuthLayer::new());
/// # drop((app, keys));
/// ```
///
/// # A client
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Full;
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// use tower::ServiceBuilder;
/// # #[cfg(feature = "file")]
/// use tower_rotating_auth::{
///     RotatingAuthLayer,
///     outbound::{RotatingCredential, InjectKeyLayer, IntoCredential},
///     source::FileSource,
/// };
///
/// # #[cfg(feature = "file")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("openai");
/// # std::fs::write(&path, "sk-1f0c")?;
/// // the file can be rewritten while the process runs
/// let key = RotatingCredential::start(FileSource::new(path).bearer()).await?; // fails here, not on a request
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
/// A gateway usually has `require` on its router, and `inject` on the client that its handlers
/// call, as above. A proxy that is one Tower service takes one layer with both halves. No client
/// can set the header of the proxy's key then, not even on a request that gets no key:
///
/// ```
/// # use tower_rotating_auth::{
/// #     Rotating,
/// #     RotatingAuthLayer,
/// #     Secret,
/// #     inbound::{KeySet, RequireKeyLayer},
/// #     outbound::{RotatingCredential, Credential, InjectKeyLayer},
/// # };
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let upstream_url = "https://api.openai.com";
/// # let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1f0c"))?);
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
    /// Creates a layer without either half.
    pub const fn new() -> Self {
        Self {
            inbound: (),
            outbound: (),
        }
    }

    /// Adds the outbound half: an [`InjectKeyLayer`](crate::outbound::InjectKeyLayer), with or
    /// without replay.
    #[cfg(feature = "outbound")]
    pub fn inject<O>(self, outbound: O) -> RotatingAuthLayer<Identity, O> {
        RotatingAuthLayer {
            inbound: Identity::new(),
            outbound,
        }
    }

    /// Adds the inbound half.
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
    /// Adds the outbound half, whose key replaces a header that a client has set. A request that
    /// gets no key goes out without that header.
    pub fn inject<O: OverrideExisting>(self, outbound: O) -> RotatingAuthLayer<RequireKeyLayer, O> {
        RotatingAuthLayer {
            inbound: self.inbound.before_our_key(),
            outbound: outbound.override_everywhere(),
        }
    }
}

#[cfg(all(feature = "inbound", feature = "outbound"))]
impl<O: OverrideExisting> RotatingAuthLayer<Identity, O> {
    /// Adds the inbound half. The outbound half's key then replaces a header that a client has set,
    /// and a request that gets no key goes out without that header.
    pub fn require(self, inbound: RequireKeyLayer) -> RotatingAuthLayer<RequireKeyLayer, O> {
        RotatingAuthLayer {
            inbound: inbound.before_our_key(),
            outbound: self.outbound.override_everywhere(),
        }
    }
}

impl Default for RotatingAuthLayer {
    fn default() -> Self {
        Self::new()
    }
}

// Not one implementation for all `I` and `O`: `()` is a layer, and so a stack without a half would
// be one that guards nothing.
impl<S, O: Layer<S>> Layer<S> for RotatingAuthLayer<Identity, O> {
    type Service = O::Service;

    fn layer(&self, inner: S) -> Self::Service {
        self.outbound.layer(inner)
    }
}

#[cfg(feature = "inbound")]
impl<S, O> Layer<S> for RotatingAuthLayer<RequireKeyLayer, O>
where
    O: Layer<S>,
    RequireKeyLayer: Layer<O::Service>,
{
    type Service = <RequireKeyLayer as Layer<O::Service>>::Service;

    fn layer(&self, inner: S) -> Self::Service {
        self.inbound.layer(self.outbound.layer(inner))
    }
}

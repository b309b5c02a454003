//! The layers, and everything about them that has a default.

use std::sync::Arc;

use http::StatusCode;
use tower_layer::Layer;

use super::config::{Config, Existing, Expired, Rejected};
use super::once::InjectKeyOnce;
use super::service::InjectKey;
use crate::outbound::adapter::{HttpAdapter, Rejection};
use crate::outbound::credential::Credential;
use crate::outbound::replay::CloneBody;
use crate::outbound::routes::Route;
use crate::outbound::routes::{InvalidOrigin, Origin};
use crate::outbound::routes::{InvalidRoutes, Table};
use crate::rotating::Rotating;

/// Puts the current key on each request to its origin; when the upstream rejects the key, refreshes it
/// and sends the request once more. A [`Layer`].
///
/// A header that the caller has set is left alone, and its rejection is the caller's affair, unless
/// [`override_existing`](Self::override_existing) says otherwise. A request to anywhere but the named
/// origins goes out as it is, without the key; so does one whose `Host` the caller has set to another host than its
/// URI's, since the server, or a proxy before it, may hand it to that one. The layer stands inside of what follows redirects, where it judges each
/// hop by itself. Inside of the layer, a client that follows them carries the key along, unless it takes its header off:
/// nearly all take off `Authorization`, and no other; have such a client follow none.
///
/// A new key may not be active at the upstream yet: while it has not proven itself, the request is sent once more
/// with the one before it, for as long as the engine's [`overlap`](crate::rotating::RotatingBuilder::overlap) lasts (5 min unless told).
/// Otherwise a rejected request waits for a newer key for up to [`force_wait`](crate::rotating::RotatingBuilder::force_wait) (5 s); where
/// that brought none, those that come after it are given the rejection at once, for a
/// [`cooldown`](crate::rotating::RotatingBuilder::cooldown) of 10 s that doubles.
///
/// Unless told, a body is kept for the second attempt by cloning it ([`CloneBody`]), and so must be `Clone`: for those that
/// are not, such as `axum::body::Body`, there are [`BufferBody`](crate::outbound::replay::BufferBody), which gives the inner service a body
/// of another type, and [`without_replay`](Self::without_replay). For requests that are no `http::Request`, reqwest's say,
/// there is [`ClientAdapter`](crate::outbound::adapter::ClientAdapter). Where these are missing, the compiler says of `InjectKey<…>` that it is no `Service`.
///
/// The error type is the inner service's. Where there is no newer key, or the body cannot be sent twice, the
/// caller is given the upstream's own answer, with an [`Outcome`](crate::outbound::Outcome) in its extensions that tells
/// why. It is let go of before the second attempt: from then on, an error of the inner service is the caller's.
///
/// ```
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_rotating_auth::{Rotating, Secret, outbound::{Credential, InjectKeyLayer}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (key, mut publisher) = Rotating::manual(Credential::bearer(&Secret::from("sk-1"))?);
/// let client = InjectKeyLayer::new("https://api.example.com", key)?.layer(service_fn(echo));
/// # async fn echo(request: Request<String>) -> Result<Response<String>, std::convert::Infallible> {
/// #     let sent = request.headers().get("authorization");
/// #     Ok(Response::new(sent.map_or("", |value| value.to_str().unwrap()).into()))
/// # }
/// let request = |url: &str| Request::get(url).body(String::new()).unwrap();
///
/// let sent = client.clone().oneshot(request("https://api.example.com/v1")).await?;
/// assert_eq!(sent.body(), "Bearer sk-1");
///
/// publisher.publish(Credential::bearer(&Secret::from("sk-2"))?);
/// let sent = client.clone().oneshot(request("https://api.example.com/v1")).await?;
/// assert_eq!(sent.body(), "Bearer sk-2");
///
/// let sent = client.oneshot(request("https://elsewhere.example.com/v1")).await?;
/// assert_eq!(sent.body(), "");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct InjectKeyLayer<X = HttpAdapter> {
    config: Config,
    seam: Arc<X>,
}

impl InjectKeyLayer {
    /// The key for one origin: a URL such as `https://api.example.com`, of which the path does not count. For a part
    /// of an origin, and for several keys, there is [`routes`](Self::routes).
    ///
    /// # Errors
    ///
    /// When it is no origin that a key may go to.
    pub fn new<O>(origin: O, key: Rotating<Credential>) -> Result<Self, InvalidOrigin>
    where
        O: TryInto<Origin>,
        O::Error: Into<InvalidOrigin>,
    {
        let origin = origin.try_into().map_err(Into::into)?;
        Ok(Self::with_table(Table::whole(origin, key)))
    }

    /// Several keys, each for its own origin, or for a part of one: a gateway to many providers.
    ///
    /// A request is given the key of the route that names its origin and the longest path which its own is under;
    /// where there is none, it goes out without a key.
    ///
    /// ```
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    /// use tower_rotating_auth::{Rotating, Secret, outbound::{Credential, InjectKeyLayer, Route}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn echo(request: Request<String>) -> Result<Response<String>, std::convert::Infallible> {
    /// #     Ok(Response::new(format!("{:?}", request.headers().keys().collect::<Vec<_>>())))
    /// # }
    /// let (openai, _publisher) = Rotating::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let (claude, _publisher) = Rotating::manual(Credential::x_api_key(&Secret::from("k-1"))?);
    /// let client = InjectKeyLayer::routes([
    ///     Route::new("https://api.openai.com/v1", openai)?,
    ///     Route::new("https://api.anthropic.com", claude)?,
    /// ])?
    /// .layer(service_fn(echo));
    ///
    /// for (url, headers) in [
    ///     ("https://api.openai.com/v1/models", "[\"authorization\"]"),
    ///     ("https://api.anthropic.com/v1/models", "[\"x-api-key\"]"),
    ///     ("https://api.openai.com/dashboard", "[]"),
    ///     ("https://elsewhere.example.com/v1/models", "[]"),
    /// ] {
    ///     let request = Request::get(url).body(String::new())?;
    ///     assert_eq!(client.clone().oneshot(request).await?.body(), headers);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When there are no routes, or two for the same place.
    pub fn routes(routes: impl IntoIterator<Item = Route>) -> Result<Self, InvalidRoutes> {
        Table::of(routes.into_iter().collect()).map(Self::with_table)
    }

    /// The key for every origin that the client is sent to, wherever a redirect or a caller points it;
    /// in clear text only to loopback. For clients that talk to one trusted place by construction.
    pub fn any_origin(key: Rotating<Credential>) -> Self {
        Self::with_table(Table::any_safe(key))
    }

    fn with_table(table: Table) -> Self {
        Self {
            config: Config {
                table,
                existing: Existing::Keep,
                expired: Expired::Send,
                rejected: Rejected::Send,
            },
            seam: Arc::new(HttpAdapter::new(CloneBody, Rejection::default())),
        }
    }
}

impl<X> InjectKeyLayer<X> {
    /// Says where a request with a path and no origin goes, as clients that are connected to one server
    /// send them. It is given the key that is for that origin, if there is one. A `Host` that the caller has set
    /// must name it. Where nothing is assumed, or an origin that has no key, such requests go out without one, and
    /// `tracing` is told so, once.
    ///
    /// # Errors
    ///
    /// When it is no origin that a key may go to.
    pub fn assume_origin<O>(mut self, origin: O) -> Result<Self, InvalidOrigin>
    where
        O: TryInto<Origin>,
        O::Error: Into<InvalidOrigin>,
    {
        let origin = origin.try_into().map_err(Into::into)?;
        self.config.table.assume(origin);
        Ok(self)
    }

    /// Puts the key in place of a header of that name that the caller has set: for gateways and for
    /// clients that always send a dummy.
    pub fn override_existing(mut self) -> Self {
        self.config.existing = Existing::Override;
        self
    }

    /// Leaves the key off once it has expired and there is none better, instead of letting the
    /// upstream decide.
    pub fn omit_expired(mut self) -> Self {
        self.config.expired = Expired::Omit;
        self
    }

    /// Once a key that had proven itself is rejected, holds requests back while it is refreshed, instead of sending
    /// each of them with a key that is dead: for upstreams that count rejected requests, and for bodies
    /// that cannot be sent twice. Nobody waits for longer than a rejected request does, by
    /// [`RotatingBuilder::force_wait`](crate::rotating::RotatingBuilder::force_wait); after that the upstream decides.
    ///
    /// While a request waits, it holds nothing of the inner service. Of no effect
    /// [without replay](InjectKeyLayer::without_replay), where nobody looks at the answers.
    pub fn hold_on_reject(mut self) -> Self {
        self.config.rejected = Rejected::Hold;
        self
    }

    /// Speaks to a client whose requests are not `http::Request`. What was said of bodies and of rejections before
    /// ([`replay`](InjectKeyLayer::replay), [`rejected_by`](InjectKeyLayer::rejected_by)) was said of those, and is forgotten: the
    /// seam says both.
    pub fn seam<Y>(self, seam: Y) -> InjectKeyLayer<Y> {
        InjectKeyLayer {
            config: self.config,
            seam: Arc::new(seam),
        }
    }
}

impl<R: Clone> InjectKeyLayer<HttpAdapter<R>> {
    /// Keeps bodies for the second attempt in another way: a [`BufferBody`](crate::outbound::replay::BufferBody) for those that
    /// stream, a closure `Fn(&B) -> Option<B>`, or any other [`Replay`](crate::outbound::replay::Replay).
    pub fn replay<Q>(self, replay: Q) -> InjectKeyLayer<HttpAdapter<Q>> {
        InjectKeyLayer {
            config: self.config,
            seam: Arc::new(Arc::unwrap_or_clone(self.seam).with_replay(replay)),
        }
    }

    /// Counts another status as a rejection, such as `403`.
    pub fn rejected_by(self, status: StatusCode) -> Self {
        Self {
            config: self.config,
            seam: Arc::new(Arc::unwrap_or_clone(self.seam).or_status(status)),
        }
    }

    /// Puts the key on each request and no more: a rejection is handed on as it is, the future is the
    /// inner service's own, and that need not be `Clone`.
    pub fn without_replay(self) -> InjectKeyOnceLayer {
        InjectKeyOnceLayer {
            config: Arc::new(self.config),
        }
    }
}

impl<S, X> Layer<S> for InjectKeyLayer<X> {
    type Service = InjectKey<S, X>;

    fn layer(&self, inner: S) -> Self::Service {
        InjectKey::new(inner, self.config.clone(), Arc::clone(&self.seam))
    }
}

/// Puts the current key on each request to its origin, and no more. A [`Layer`], made by
/// [`InjectKeyLayer::without_replay`].
#[derive(Clone, Debug)]
#[must_use]
pub struct InjectKeyOnceLayer {
    config: Arc<Config>,
}

impl<S> Layer<S> for InjectKeyOnceLayer {
    type Service = InjectKeyOnce<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InjectKeyOnce::new(inner, Arc::clone(&self.config))
    }
}

/// A layer that can be told to put its key in place of a header that the caller has set.
///
/// [`RotatingAuthLayer`](crate::RotatingAuthLayer) tells it whatever it stacks on the inbound half: no
/// client's key may push ours aside. Where no key is put on, the header stays as the caller has set it; those that clients'
/// keys are read from are emptied by the inbound half.
pub trait OverrideExisting {
    /// Puts the key in place of a header of that name that the caller has set.
    #[must_use]
    fn override_existing(self) -> Self;
}

impl<X> OverrideExisting for InjectKeyLayer<X> {
    fn override_existing(self) -> Self {
        Self::override_existing(self)
    }
}

impl OverrideExisting for InjectKeyOnceLayer {
    fn override_existing(mut self) -> Self {
        Arc::make_mut(&mut self.config).existing = Existing::Override;
        self
    }
}

//! The layer, and everything about it that has a default.

use std::sync::Arc;

use http::StatusCode;
use tower_layer::Layer;

use super::service::InjectKey;
use crate::outbound::adapter::{HttpAdapter, Rejection};
use crate::outbound::config::{Config, Existing, Expired, MaxSends, WhileRefreshing};
use crate::outbound::error::ConfigError;
use crate::outbound::inject_key_once::InjectKeyOnceLayer;
use crate::outbound::override_existing::OverrideExisting;
use crate::outbound::replay::CloneBody;
use crate::outbound::rotating_credential::RotatingCredential;
use crate::outbound::routes::{Origin, Route, Table};

/// A [`Layer`] that injects the current key into each request to its origin, and replays a request
/// once if the upstream rejects the key.
///
/// The [module page](crate::outbound) has an example and lists the caveats.
///
/// # Which requests get the key
///
/// Only requests to the configured origins. A request whose `Host` header names another host than
/// its URI goes out without the key, because a server or a proxy may hand it to that other host. A
/// header that the caller has set stays, and its rejection is passed on, unless
/// [`override_existing`](Self::override_existing) is set.
///
/// # What happens on a rejection
///
/// - The request carried a new key that the upstream has not accepted yet: the layer sends it again
///   with the previous one.
/// - The request carried the previous key: the layer sends it again with the new one.
/// - Otherwise the request waits for a newer key for up to
///   [`force_wait`](crate::rotating::RotatingBuilder::force_wait). Defaults to 5 s.
/// - There is no newer key: later rejections are passed on at once for a
///   [`cooldown`](crate::rotating::RotatingBuilder::cooldown). Defaults to 10 s, and doubles.
///
/// If the request cannot be replayed, the caller gets the upstream's own response, with an
/// [`Outcome`](crate::outbound::Outcome) in its extensions. The layer drops that response before
/// the replay, so an error of the inner service during the replay is the caller's. The error type
/// is the inner service's.
///
/// # Bodies
///
/// The layer keeps a body for the replay by cloning it ([`CloneBody`]), so the body must be
/// `Clone`. For others, such as `axum::body::Body`, use
///
/// - [`replay`](Self::replay) with a [`BufferBody`](crate::outbound::replay::BufferBody), which
///   gives the inner service another body type, or
/// - [`without_replay`](Self::without_replay).
///
/// For requests that are not `http::Request`, such as reqwest's, use [`adapter`](Self::adapter).
///
/// # Redirects
///
/// If the inner client follows redirects itself, it forwards the injected header to the redirect
/// target. Most clients strip `Authorization` across origins but keep other headers such as
/// `x-api-key`. Disable redirects in that client, or put `FollowRedirectLayer` outside this layer,
/// which then judges each hop by itself.
#[derive(Clone, Debug)]
#[must_use]
pub struct InjectKeyLayer<X = HttpAdapter> {
    config: Config,
    adapter: Arc<X>,
}

impl InjectKeyLayer {
    /// Creates a layer that injects `key` into requests to one origin.
    ///
    /// The origin is a URL such as `https://api.example.com`. Its path is ignored: use
    /// [`routes`](Self::routes) for a part of an origin, or for several keys.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidUrl`], [`UrlScheme`], [`UserInfo`] or [`Cleartext`] if a
    /// key must not be sent to `origin`.
    ///
    /// [`InvalidUrl`]: crate::outbound::ConfigErrorKind::InvalidUrl
    /// [`UrlScheme`]: crate::outbound::ConfigErrorKind::UrlScheme
    /// [`UserInfo`]: crate::outbound::ConfigErrorKind::UserInfo
    /// [`Cleartext`]: crate::outbound::ConfigErrorKind::Cleartext
    pub fn new<O>(origin: O, key: RotatingCredential) -> Result<Self, ConfigError>
    where
        O: TryInto<Origin>,
        O::Error: Into<ConfigError>,
    {
        let origin = origin.try_into().map_err(Into::into)?;
        Ok(Self::with_table(Table::single(Route::whole(origin, key))))
    }

    /// Creates a layer with several keys, each for its own origin or part of an origin.
    ///
    /// A request gets the key of the route with its origin and the longest path that its own path
    /// is under. Without such a route, it goes out without a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, Response};
    /// use tower::{Layer, service_fn};
    /// use tower_rotating_auth::{Secret, outbound::{Credential, InjectKeyLayer, RotatingCredential, Route}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn echo(request: Request<String>) -> Result<Response<String>, std::convert::Infallible> {
    /// #     Ok(Response::new(format!("{:?}", request.headers().keys().collect::<Vec<_>>())))
    /// # }
    /// let (openai, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let (claude, _publisher) = RotatingCredential::manual(Credential::x_api_key(&Secret::from("k-1"))?);
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
    /// Returns an error of kind [`NoRoutes`](crate::outbound::ConfigErrorKind::NoRoutes) if there
    /// are none, and [`DuplicateRoute`](crate::outbound::ConfigErrorKind::DuplicateRoute) if two
    /// are for the same place.
    pub fn routes(routes: impl IntoIterator<Item = Route>) -> Result<Self, ConfigError> {
        Table::from_routes(routes.into_iter().collect()).map(Self::with_table)
    }

    /// Creates a layer that injects `key` into requests to any origin, and to `http` origins only
    /// on loopback.
    ///
    /// The key goes wherever a caller or a redirect points the client. Use this only for a client
    /// that can reach nothing but one trusted place.
    pub fn any_origin(key: RotatingCredential) -> Self {
        Self::with_table(Table::any_safe(key))
    }

    fn with_table(table: Table) -> Self {
        Self {
            config: Config {
                table,
                existing: Existing::Keep,
                expired: Expired::Send,
                while_refreshing: WhileRefreshing::Send,
                max_sends: MaxSends::DEFAULT,
            },
            adapter: Arc::new(HttpAdapter::new(CloneBody, Rejection::default())),
        }
    }
}

impl<X> InjectKeyLayer<X> {
    /// Sets the origin of requests that have a path and no origin, such as those to a client that
    /// is connected to one server.
    ///
    /// They get the key for that origin, unless their `Host` header names another one. Without an
    /// assumed origin that has a key, they go out without one, and the layer logs a warning once.
    ///
    /// # Errors
    ///
    /// Returns the same kinds of error as [`new`](InjectKeyLayer::new).
    pub fn assume_origin<O>(mut self, origin: O) -> Result<Self, ConfigError>
    where
        O: TryInto<Origin>,
        O::Error: Into<ConfigError>,
    {
        let origin = origin.try_into().map_err(Into::into)?;
        self.config.table.assume(origin);
        Ok(self)
    }

    /// Replaces a header of the same name that the caller has set.
    ///
    /// Useful for gateways, and for clients that always send a dummy key. Defaults to keeping it.
    pub fn override_existing(mut self) -> Self {
        self.config.existing = Existing::Override;
        self
    }

    /// Omits a key that has expired, if there is no better one.
    ///
    /// Defaults to sending it, so that the upstream decides.
    pub fn omit_expired(mut self) -> Self {
        self.config.expired = Expired::Omit;
        self
    }

    /// Holds new requests while a rejected key is refreshed, instead of sending each of them with
    /// it.
    ///
    /// Applies once the upstream rejects a key that it had accepted. Useful for upstreams that
    /// count rejected requests, and for bodies that cannot be sent twice. A held request reserves
    /// nothing of the inner service. It waits up to
    /// [`force_wait`](crate::rotating::RotatingBuilder::force_wait), and is then sent with the
    /// current key.
    ///
    /// Has no effect [without replay](InjectKeyLayer::without_replay), since answers are not looked
    /// at.
    pub fn hold_on_reject(mut self) -> Self {
        self.config.while_refreshing = WhileRefreshing::Hold;
        self
    }

    /// Sets how often a request is sent at most: 2, the default, or 3. Takes the nearest of 1 to 3.
    ///
    /// While the upstream has not accepted a new key yet, one request at a time tries it. If the
    /// upstream switches keys between the two attempts of such a request, it rejects the new key,
    /// then the previous one. A third attempt carries the new key once more, and then no request is
    /// lost. It also lets a request that was rejected with both wait for a newer key.
    pub fn max_sends(mut self, sends: u8) -> Self {
        self.config.max_sends = MaxSends::clamped(sends);
        self
    }

    /// Uses another adapter, for a client whose requests are not `http::Request`.
    ///
    /// [`ClientAdapter`](crate::outbound::adapter::ClientAdapter) is made of functions that the
    /// client's types have. An adapter defines bodies and rejections too, so this discards what
    /// [`replay`](InjectKeyLayer::replay) and [`rejected_by`](InjectKeyLayer::rejected_by) have
    /// set.
    pub fn adapter<Y>(self, adapter: Y) -> InjectKeyLayer<Y> {
        InjectKeyLayer {
            config: self.config,
            adapter: Arc::new(adapter),
        }
    }
}

impl<R: Clone> InjectKeyLayer<HttpAdapter<R>> {
    /// Sets how a body is kept for the replay. Defaults to [`CloneBody`].
    ///
    /// Takes a [`BufferBody`](crate::outbound::replay::BufferBody) for bodies that stream, a
    /// closure `Fn(&B) -> Option<B>`, or any other [`Replay`](crate::outbound::replay::Replay).
    pub fn replay<Q>(self, replay: Q) -> InjectKeyLayer<HttpAdapter<Q>> {
        InjectKeyLayer {
            config: self.config,
            adapter: Arc::new(Arc::unwrap_or_clone(self.adapter).with_replay(replay)),
        }
    }

    /// Counts another status as a rejection, such as `403`, besides `401` and gRPC's
    /// `UNAUTHENTICATED`.
    pub fn rejected_by(self, status: StatusCode) -> Self {
        Self {
            config: self.config,
            adapter: Arc::new(Arc::unwrap_or_clone(self.adapter).or_status(status)),
        }
    }

    /// Returns a layer that injects the key and passes every answer on, rejections too.
    ///
    /// The future is the inner service's own, and neither the inner service nor the body needs to
    /// be `Clone`.
    pub fn without_replay(self) -> InjectKeyOnceLayer {
        InjectKeyOnceLayer::new(self.config)
    }
}

impl<S, X> Layer<S> for InjectKeyLayer<X> {
    type Service = InjectKey<S, X>;

    fn layer(&self, inner: S) -> Self::Service {
        InjectKey::new(inner, self.config.clone(), Arc::clone(&self.adapter))
    }
}

impl<X> OverrideExisting for InjectKeyLayer<X> {
    fn override_existing(self) -> Self {
        Self::override_existing(self)
    }
}

//! The layer, and everything about it that has a default.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::InjectKey;
use crate::outbound::adapter::HttpAdapter;
use crate::outbound::config::{Config, Existing, Expired, MaxSends, WhileRefreshing};
use crate::outbound::error::ConfigError;
use crate::outbound::override_existing::OverrideExisting;
use crate::outbound::rotating_credential::RotatingCredential;
use crate::outbound::routes::{Origin, Route, Table};

/// A [`Layer`] that injects the current key into each request to its origin, and replays a request
/// with another key if the upstream rejects that one.
///
/// The [module page](crate::outbound) has an example and lists the caveats.
///
/// # Which requests get the key
///
/// Only requests to the configured origins. These go out without it:
///
/// - A request whose `Host` header names another host than its URI, because a server or a proxy may
///   hand it to that other host.
/// - A `TRACE` or `TRACK` request, which the server may send back with all its headers, and a
///   `CONNECT` request, which asks for a tunnel. An extended CONNECT gets the key if
///   [`allow_extended_connect`](Self::allow_extended_connect) is set.
/// - A request in which the caller has set the key's header. That header stays, and its rejection
///   is passed on, unless [`override_existing`](Self::override_existing) is set.
///
/// Some servers take `x_api_key` for `x-api-key`. A caller that sets the former gets the key beside
/// it, unless [`override_existing`](Self::override_existing) is set. With the key, the layer
/// removes its header's name from `Connection`, so that the next hop does not drop it.
///
/// # While a new key is not active yet
///
/// Requests carry the previous key as long as the upstream accepts it. One request at a time, the
/// *canary*, carries the new one: the first at once, later ones after pauses of 100 ms doubling to
/// 10 s. Canaries are requests that can be sent again. If none comes for 10 s, or if the upstream
/// rejects the previous key three times in a row, any request may be the canary. The first
/// acceptance of the new key moves all requests to it.
///
/// # What happens on a rejection
///
/// - The request was the canary: the layer sends it again with the previous key. A rejection of the
///   new key and an acceptance of the previous one show that the new one is not active yet.
/// - The request carried the previous key: the layer sends it again with the new one.
/// - The request carried a key that the upstream has accepted: it waits for a newer key, and goes out
///   with the previous one if there is none within the
///   [overlap](crate::outbound::RotatingCredentialBuilder::overlap). If other requests have found
///   that the upstream accepts the previous key again, it does not wait.
/// - The request was rejected with all keys that there are: it waits for a newer key for up to
///   [`force_wait`](crate::rotating::RotatingBuilder::force_wait). Defaults to 5 s.
/// - There is no newer key: later rejections are passed on at once for a
///   [`cooldown`](crate::rotating::RotatingBuilder::cooldown). Defaults to 10 s, and doubles. An
///   acceptance of the key ends it.
///
/// A request is sent at most [`max_sends`](Self::max_sends) times. If it cannot be replayed, the
/// caller gets the upstream's own response, with an [`Outcome`](crate::outbound::Outcome) in its
/// extensions. The layer drops a rejection before the replay, so an error of the inner service
/// during the replay is the caller's. The error type is the inner service's.
///
/// # Bodies
///
/// The layer keeps a body for the replay by cloning it
/// ([`CloneBody`](crate::outbound::replay::CloneBody)), so the body must be `Clone`. For others,
/// such as `axum::body::Body`, use
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
    pub(super) config: Config,
    pub(super) adapter: Arc<X>,
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
    /// that can reach nothing but one trusted place. As with other layers, a request whose `Host`
    /// names another host than its URI gets no key.
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
            adapter: Arc::new(HttpAdapter::new()),
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
    ///
    /// Also removes headers that a server could take for the key's, such as `x_api_key` for
    /// `x-api-key`. A request to a place of the layer's keys loses these headers even if it gets no
    /// key, for example because of its `Host` or because the key has
    /// [expired](Self::omit_expired). If the path has two readings, it loses those of all keys. A
    /// request to another place keeps its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, Response};
    /// use tower::{Layer, service_fn};
    /// use tower_rotating_auth::{Secret, outbound::{RotatingCredential, Credential, InjectKeyLayer}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (key, _publisher) = RotatingCredential::manual(Credential::x_api_key(&Secret::from("k-1"))?);
    /// let client = InjectKeyLayer::new("https://api.example.com", key)?
    ///     .override_existing()
    ///     .layer(service_fn(async |request: Request<()>| {
    ///         Ok::<_, std::convert::Infallible>(Response::new(request.into_parts().0.headers))
    ///     }));
    /// let request = |method: &str, url: &str| {
    ///     let request = Request::builder().method(method).uri(url);
    ///     request.header("x-api-key", "dummy").header("x_api_key", "dummy").body(()).unwrap()
    /// };
    ///
    /// let sent = client.clone().oneshot(request("GET", "https://api.example.com/v1")).await?;
    /// assert_eq!(sent.body()["x-api-key"], "k-1");
    /// assert!(!sent.body().contains_key("x_api_key"));
    ///
    /// let sent = client.clone().oneshot(request("TRACE", "https://api.example.com/v1")).await?;
    /// assert!(sent.body().is_empty());
    ///
    /// let sent = client.oneshot(request("GET", "https://elsewhere.example.com/")).await?;
    /// assert_eq!(sent.body()["x-api-key"], "dummy");
    /// # Ok(())
    /// # }
    /// ```
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
    /// count rejected requests, and for bodies that cannot be sent again. A held request reserves
    /// nothing of the inner service. It waits up to
    /// [`force_wait`](crate::rotating::RotatingBuilder::force_wait), and is then sent with the
    /// current key.
    ///
    /// A rejection that one request provokes holds the others, too, until one that was sent later
    /// is accepted or the refresh ends.
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
    /// then the previous one. A third attempt carries the new key once more, so that this
    /// request is not lost. It also lets a request that was rejected with both wait for a newer
    /// key.
    pub fn max_sends(mut self, sends: u8) -> Self {
        self.config.max_sends = MaxSends::clamped(sends);
        self
    }

    /// Uses another adapter, for a client whose requests are not `http::Request`.
    ///
    /// [`ClientAdapter`](crate::outbound::adapter::ClientAdapter) is made of functions that the
    /// client's types have. An adapter defines bodies and rejections too, so this discards what
    /// [`replay`](InjectKeyLayer::replay), [`rejected_by`](InjectKeyLayer::rejected_by),
    /// [`inconclusive_if`](InjectKeyLayer::inconclusive_if) and
    /// [`allow_extended_connect`](InjectKeyLayer::allow_extended_connect) have set.
    pub fn adapter<Y>(self, adapter: Y) -> InjectKeyLayer<Y> {
        InjectKeyLayer {
            config: self.config,
            adapter: Arc::new(adapter),
        }
    }
}

impl<S, X> Layer<S> for InjectKeyLayer<X> {
    type Service = InjectKey<S, X>;

    fn layer(&self, inner: S) -> Self::Service {
        InjectKey::new(inner, self.config.clone(), Arc::clone(&self.adapter))
    }
}

impl<X> OverrideExisting for InjectKeyLayer<X> {
    fn override_everywhere(mut self) -> Self {
        self.config.existing = Existing::OverrideEverywhere;
        self
    }
}

//! The layer and its settings.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, HeaderMap, HeaderName};
use tower_layer::Layer;

use super::dangerously_open::DangerouslyOpen;
use super::service::{PrincipalHook, RequireKey};
use crate::inbound::auth_error::{AuthErrorResponse, Realm};
use crate::inbound::authenticator::{Authenticator, Enforcement, Policy, Preflights};
use crate::inbound::config_error::ConfigError;
use crate::inbound::connection::TrustedProxies;
use crate::inbound::event::Event;
use crate::inbound::hooks::{Hook, SecureOnly};
use crate::inbound::key::KeyRecord;
use crate::inbound::key_set::KeySet;
use crate::inbound::location::KeyLocations;
use crate::inbound::policy::RoutePolicy;
use crate::inbound::principal::Principal;
use crate::rotating::Rotating;

/// A [`Layer`] that requires a valid key.
///
/// The layer loads the key set once for each request, with one atomic load. A published set is in
/// force for the next request, in every clone of the service, and for responses that still stream
/// (see [`GuardedBody`](crate::inbound::GuardedBody)). Handlers find a
/// [`Principal`] in the request's extensions. They see no key from a
/// configured location, since the layer removes the content of each.
///
/// Every route needs a key unless a [`policy`](Self::policy) exempts it. CORS preflights cannot
/// carry a key, and so are refused. Put a CORS layer outside, which responds to them, or see
/// [`pass_preflights`](Self::pass_preflights).
///
/// When a key ends, so does its use: within 100 ms, the body of a response is dropped, and the body
/// of a request fails. An upgraded connection waits for
/// [`Principal::ended`](crate::inbound::Principal::ended) itself. So the inner service receives a
/// [`RequestBody`](crate::inbound::RequestBody) around the client's body.
///
/// A layer inside of another one reads the key as the client sent it, and checks it by rules of its
/// own. Without a key in the request, it accepts a [`Principal`] of the
/// same set in the extensions, if that satisfies its rules: its key must still be active.
///
/// A shared cache must not give one client's response to another. If the key stood outside of
/// `Authorization`, the layer adds `Vary` and `Cache-Control: private` to responses to `GET`,
/// unless the handler has said who may store them. Where a key is optional, it adds `Vary`.
///
/// See the [module documentation](crate::inbound) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireKeyLayer {
    authenticator: Arc<Authenticator>,
    on_principal: Option<PrincipalHook>,
}

impl RequireKeyLayer {
    /// Creates a layer that requires a key of this set.
    pub fn new(keys: Rotating<KeySet>) -> Self {
        Self::with(keys, Enforcement::Enforced)
    }

    /// Creates a layer that lets every request through, for development.
    ///
    /// Handlers find [`Principal::Open`]. The layer still removes
    /// keys from requests.
    pub fn dangerously_open(open: DangerouslyOpen) -> Self {
        let listener = open.listener();
        tracing::warn!(%listener, "development mode: keys are not checked");
        Self::with(Rotating::manual(KeySet::empty()).0, Enforcement::Off)
    }

    fn with(keys: Rotating<KeySet>, enforcement: Enforcement) -> Self {
        Self {
            authenticator: Arc::new(Authenticator::new(keys, enforcement)),
            on_principal: None,
        }
    }

    fn set(mut self, set: impl FnOnce(&mut Authenticator)) -> Self {
        set(Arc::make_mut(&mut self.authenticator));
        self
    }

    /// Sets the realm of challenges, a name for what the keys protect. Defaults to the realm of the
    /// [`error_response`](Self::error_response), which is `api` unless you set another one.
    ///
    /// It changes the challenges alone, and takes precedence over the realm of the error response.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidRealm`](crate::inbound::ConfigErrorKind::InvalidRealm) if
    /// the realm is blank, or has other characters than visible ASCII and spaces.
    pub fn realm(self, realm: &str) -> Result<Self, ConfigError> {
        let realm = Realm::new(realm)?;
        Ok(self.set(|authenticator| {
            authenticator.realm = Some(realm);
            authenticator.adapt_error_response();
        }))
    }

    /// Sets the response to refused requests: the realm, the format of bodies, and more.
    ///
    /// Defaults to [`AuthErrorResponse::default`]. The layer adapts its challenges to
    /// [`realm`](Self::realm) and [`locations`](Self::locations).
    pub fn error_response(self, response: AuthErrorResponse) -> Self {
        self.set(|authenticator| {
            authenticator.refusals.set_response(response);
            authenticator.adapt_error_response();
        })
    }

    /// Sets where in a request a client may put its key. Defaults to [`KeyLocations::default`].
    pub fn locations(self, locations: KeyLocations) -> Self {
        self.set(|authenticator| {
            authenticator.set_locations(locations);
            authenticator.adapt_error_response();
        })
    }

    /// Sets which routes need a key, and with which scopes. By default, every route needs a key.
    pub fn policy(self, policy: RoutePolicy) -> Self {
        self.set(|authenticator| authenticator.policy = Policy::Fixed(policy))
    }

    /// Sets the policy as a value that is replaced while the service runs, for example from [a
    /// file](crate::inbound::policy::IntoRoutePolicy). A new one is in force for the next request.
    ///
    /// While its source fails, the last good policy stays in force.
    pub fn rotating_policy(self, policy: Rotating<RoutePolicy>) -> Self {
        self.set(|authenticator| authenticator.policy = Policy::Rotating(policy))
    }

    /// Sets how long the last good set may be used, counted from the first failed refresh. Defaults
    /// to one hour.
    ///
    /// After that, a route that needs a key answers a well-formed one with 503, since it may have
    /// been revoked meanwhile. So does a route where a key is optional. On a route of
    /// [`optional_lenient`](RoutePolicy::optional_lenient), the client counts as anonymous.
    ///
    /// It has no effect on a set that a [`KeyRing`](crate::keyring::KeyRing) or a
    /// [`Publisher`](crate::rotating::Publisher) publishes: there, no failure is recorded.
    pub fn max_stale(self, max_stale: Duration) -> Self {
        self.set(|authenticator| authenticator.max_stale = max_stale)
    }

    /// Sets a function that receives every [`Event`] of this layer, in order. Defaults to none.
    ///
    /// It runs on a thread of its own, so it may block. After a panic it still receives the next
    /// event. While 1024 events wait, further ones are dropped. Events of the key set itself go to
    /// [`RotatingBuilder::observer`](crate::rotating::RotatingBuilder::observer).
    pub fn observer(self, observer: impl FnMut(&Event) + Send + 'static) -> Self {
        self.set(|authenticator| authenticator.refusals.observer(observer))
    }

    /// Sets where the address of the other end of the connection is found in the extensions of a
    /// request, for events and for keys with [networks](KeyRecord::with_networks). Defaults to
    /// [`PeerAddr`](crate::inbound::PeerAddr).
    ///
    /// With axum, for example:
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    /// # use tower_rotating_auth::{Rotating, inbound::{KeySet, RequireKeyLayer}};
    /// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
    /// let layer = RequireKeyLayer::new(keys).peer_addr(|extensions| {
    ///     extensions.get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| *peer)
    /// });
    /// # drop(layer);
    /// ```
    pub fn peer_addr(self, find: fn(&Extensions) -> Option<SocketAddr>) -> Self {
        self.set(|authenticator| authenticator.refusals.set_peer_addr(find))
    }

    /// Sets the proxies whose forwarded headers count for the address of a client and its scheme.
    /// Defaults to none: the client is then the other end of the connection.
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        self.set(|authenticator| authenticator.refusals.set_trusted_proxies(proxies))
    }

    /// Sets a second factor, besides a [certificate](KeyRecord::with_certificate): a function that
    /// returns whether a request satisfies it for this key. Defaults to none.
    ///
    /// If it returns `false`, the response is that to a wrong key. It runs for each valid key, on
    /// the request's path, and so must not block. Keep what it needs to know in the application, by
    /// the id of the key or of the client.
    ///
    /// # Examples
    ///
    /// ```
    /// # use tower_rotating_auth::{Rotating, inbound::{KeySet, RequireKeyLayer}};
    /// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
    /// #[derive(Clone)]
    /// struct Attested(String);
    ///
    /// let layer = RequireKeyLayer::new(keys).second_factor(|key, _headers, extensions| {
    ///     let attested = extensions.get::<Attested>();
    ///     attested.is_some_and(|Attested(workload)| workload == key.client().as_str())
    /// });
    /// # drop(layer);
    /// ```
    pub fn second_factor(
        self,
        is_met: impl Fn(&KeyRecord, &HeaderMap, &Extensions) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.set(|authenticator| authenticator.second_factor = Some(Hook(Arc::new(is_met))))
    }

    /// Refuses requests that carry a credential over a channel that is not encrypted, and reports
    /// their keys. By default, the channel makes no difference.
    pub fn secure_only(self, rule: SecureOnly) -> Self {
        self.set(|authenticator| authenticator.secure_only = Some(rule))
    }

    /// Sets a function that is called with the principal of each admitted request, before the inner
    /// service is. It
    /// is called for every [`Principal`], and so not on public routes. Defaults to none.
    ///
    /// # Examples
    ///
    /// Record the client and the key in the request's span, which a `TraceLayer` outside has made
    /// with empty fields of these names:
    ///
    /// ```
    /// # use tower_rotating_auth::{Rotating, inbound::{KeySet, RequireKeyLayer}};
    /// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
    /// let layer = RequireKeyLayer::new(keys).on_principal(|principal| {
    ///     if let Some(key) = principal.key() {
    ///         let span = tracing::Span::current();
    ///         span.record("client", key.client().as_str());
    ///         span.record("key_id", key.key_id().as_str());
    ///     }
    /// });
    /// # drop(layer);
    /// ```
    pub fn on_principal(mut self, hook: impl Fn(&Principal) + Send + Sync + 'static) -> Self {
        self.on_principal = Some(Hook(Arc::new(hook)));
        self
    }

    /// Lets CORS preflights pass without a key. By default, they need one like other requests, and
    /// so are refused: a browser sends them without.
    ///
    /// Call this only if something inside of the layer responds to every preflight, such as a CORS
    /// layer. A handler for every method, such as axum's `any`, would be run without a key. A CORS
    /// layer outside of this one needs no such permission. A route that
    /// [denies](RoutePolicy::deny) `OPTIONS` refuses preflights all the same.
    ///
    /// It has no effect in a [`RotatingAuthLayer`](crate::RotatingAuthLayer) with both halves,
    /// which would put the proxy's own key on preflights.
    pub fn pass_preflights(self) -> Self {
        self.set(|authenticator| authenticator.preflights = Preflights::PassThrough)
    }

    /// Removes these headers from each request, whatever their case and punctuation.
    ///
    /// A server behind this one may take `x_auth_client` or `x.auth.client` for `x-auth-client`.
    ///
    /// Name the headers with which your application itself states who the client is, so that no
    /// client can set them.
    pub fn strip_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.set(|authenticator| authenticator.identity_headers.extend(names))
    }

    /// Refuses tokens for which `is_plausible` returns `false`, before the layer looks them up.
    ///
    /// Pass [`NewKey::is_plausible`](crate::keyring::NewKey::is_plausible) if all keys are issued
    /// by a key ring. By default, every well-formed token is looked up.
    pub fn check_format(self, is_plausible: fn(&[u8]) -> bool) -> Self {
        self.set(|authenticator| authenticator.is_plausible = Some(is_plausible))
    }
}

impl RequireKeyLayer {
    /// Requires a key from preflights, too, for an inner service that injects our own key into
    /// every request.
    pub(crate) fn before_our_key(self) -> Self {
        self.set(|authenticator| authenticator.preflights = Preflights::RequireKey)
    }
}

impl<S> Layer<S> for RequireKeyLayer {
    type Service = RequireKey<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let authenticator = Arc::clone(&self.authenticator);
        RequireKey::new(inner, authenticator, self.on_principal.clone())
    }
}

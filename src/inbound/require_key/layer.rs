//! The layer and its settings.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tower_layer::Layer;

use super::authenticator::{Authenticator, Enforcement, Preflights};
use super::dangerously_open::DangerouslyOpen;
use super::log_limiter::LogLimiter;
use super::service::RequireKey;
use crate::inbound::auth_error::AuthErrorResponse;
use crate::inbound::config_error::ConfigError;
use crate::inbound::event::Event;
use crate::inbound::key_set::KeySet;
use crate::inbound::location::KeyLocations;
use crate::inbound::policy::RoutePolicy;
use crate::rotating::{Events, Rotating};

/// A [`Layer`] that requires a valid key.
///
/// The layer loads the key set once for each request, with one atomic load. A published set is in
/// force for the next request, in every clone of the service, and for responses that still stream
/// (see [`GuardedBody`](crate::inbound::GuardedBody)). Handlers find a
/// [`Principal`](crate::inbound::Principal) in the request's extensions. They see no key from a
/// configured location, since the layer removes the content of each.
///
/// Every route needs a key unless a [`policy`](Self::policy) exempts it. CORS preflights cannot
/// carry a key, so they reach the inner service without one. Put a CORS layer outside to respond to
/// them. If the inner service serves every method, as a proxy does, it must reject preflights
/// itself.
///
/// See the [module documentation](crate::inbound) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireKeyLayer {
    authenticator: Arc<Authenticator>,
}

impl RequireKeyLayer {
    /// Creates a layer that requires a key of this set.
    pub fn new(keys: Rotating<KeySet>) -> Self {
        Self::with(keys, Enforcement::Enforced)
    }

    /// Creates a layer that lets every request through, for development.
    ///
    /// Handlers find [`Principal::Open`](crate::inbound::Principal::Open). The layer still removes
    /// keys from requests.
    pub fn dangerously_open(open: DangerouslyOpen) -> Self {
        let listener = open.listener();
        tracing::warn!(%listener, "development mode: keys are not checked");
        Self::with(Rotating::manual(KeySet::empty()).0, Enforcement::Off)
    }

    fn with(keys: Rotating<KeySet>, enforcement: Enforcement) -> Self {
        let events = Arc::new(Events::new(keys.name(), None));
        Self {
            authenticator: Arc::new(Authenticator {
                events,
                keys,
                enforcement,
                preflights: Preflights::PassThrough,
                locations: KeyLocations::default(),
                policy: RoutePolicy::new(),
                error_response: Arc::new(AuthErrorResponse::default()),
                max_stale: Duration::from_secs(3600),
                identity_headers: Vec::new(),
                is_plausible: |_| true,
                log_limiter: Arc::new(LogLimiter::new()),
            }),
        }
    }

    fn set(mut self, set: impl FnOnce(&mut Authenticator)) -> Self {
        set(Arc::make_mut(&mut self.authenticator));
        self
    }

    /// Sets the realm of challenges, a name for what the keys protect. Defaults to `api`.
    ///
    /// Call it before [`error_response`](Self::error_response), or not at all: it resets the format
    /// of bodies to JSON and drops resource metadata.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidRealm`](crate::inbound::ConfigErrorKind::InvalidRealm) if
    /// the realm is blank, or has other characters than visible ASCII and spaces.
    pub fn realm(self, realm: &str) -> Result<Self, ConfigError> {
        Ok(self.error_response(AuthErrorResponse::new(realm)?))
    }

    /// Sets the response to refused requests: the realm, the format of bodies, and more.
    ///
    /// Defaults to [`AuthErrorResponse::default`].
    pub fn error_response(self, response: AuthErrorResponse) -> Self {
        self.set(|authenticator| {
            let response = response.locations(&authenticator.locations);
            authenticator.error_response = Arc::new(response);
        })
    }

    /// Sets where in a request a client may put its key. Defaults to [`KeyLocations::default`].
    pub fn locations(self, locations: KeyLocations) -> Self {
        self.set(|authenticator| {
            let response = AuthErrorResponse::clone(&authenticator.error_response);
            authenticator.error_response = Arc::new(response.locations(&locations));
            authenticator.locations = locations;
        })
    }

    /// Sets which routes need a key, and with which scopes. By default, every route needs a key.
    pub fn policy(self, policy: RoutePolicy) -> Self {
        self.set(|authenticator| authenticator.policy = policy)
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
        self.set(|authenticator| {
            let name = authenticator.keys.name();
            authenticator.events = Arc::new(Events::new(name, Some(Box::new(observer))));
        })
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
        self.set(|authenticator| authenticator.is_plausible = is_plausible)
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
        RequireKey::new(inner, Arc::clone(&self.authenticator))
    }
}

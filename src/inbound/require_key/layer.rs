//! The layer, and everything about it that has a default.

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
use crate::inbound::key_set::KeySet;
use crate::inbound::location::KeyLocations;
use crate::inbound::policy::RoutePolicy;
use crate::rotating::Rotating;

/// Lets a request through that presents a valid key, and refuses all others. A [`Layer`].
///
/// The key set is looked at once for each request, by one atomic load: what is published is in force
/// for the next request, in every clone of the service, and for responses that still stream (see
/// [`GuardedBody`](crate::inbound::GuardedBody)). A handler finds a [`Principal`](crate::inbound::Principal) in the
/// request's extensions, and never the key: every slot that a key may stand in is emptied on the way.
///
/// Everything needs a key but what [`policy`](Self::policy) exempt by exact path, and CORS preflights,
/// which cannot carry one. Put a CORS layer outside: it answers them, and refusals have its headers, too.
/// Without one they reach the inner service on every route; one that answers whatever the method, as a proxy
/// does, must turn them away itself.
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_rotating_auth::{
///     Rotating,
///     inbound::{KeyDigest, KeyRecord, KeySet, Principal, RequireKeyLayer, Scopes},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let record = KeyRecord::new("k1".parse()?, "open-webui".parse()?, Scopes::default());
/// let token = "8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
/// let keys = KeySet::new([(KeyDigest::of(token.as_bytes()), record)])?;
/// let (keys, _publisher) = Rotating::manual(keys);
///
/// let greet = service_fn(|request: Request<String>| async move {
///     let principal: &Principal = request.extensions().get().expect("the layer put it there");
///     let client = principal.key().expect("a key is required").client().to_string();
///     Ok::<_, std::convert::Infallible>(Response::new(client))
/// });
/// let service = RequireKeyLayer::new(keys).layer(greet);
///
/// let request = Request::get("/").header("authorization", format!("Bearer {token}"));
/// let response = service.clone().oneshot(request.body(String::new())?).await?;
/// assert_eq!(response.status(), StatusCode::OK);
///
/// let response = service.oneshot(Request::get("/").body(String::new())?).await?;
/// assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"api\"");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireKeyLayer {
    authenticator: Arc<Authenticator>,
}

impl RequireKeyLayer {
    /// Requires a key of this set.
    pub fn new(keys: Rotating<KeySet>) -> Self {
        Self::with(keys, Enforcement::Enforced)
    }

    /// Lets everybody through, for development: handlers find [`Principal::Open`](crate::inbound::Principal::Open),
    /// which is nobody in particular. What clients present is taken off all the same.
    pub fn dangerously_open(open: DangerouslyOpen) -> Self {
        let listener = open.listener();
        tracing::warn!(%listener, "development mode: nobody looks at keys");
        Self::with(Rotating::manual(KeySet::empty()).0, Enforcement::Off)
    }

    fn with(keys: Rotating<KeySet>, enforcement: Enforcement) -> Self {
        Self {
            authenticator: Arc::new(Authenticator {
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

    /// Names what the keys protect, in challenges; `api` unless told. Refusals are JSON then.
    ///
    /// # Errors
    ///
    /// When the realm is blank, or not visible ASCII and spaces.
    pub fn realm(self, realm: &str) -> Result<Self, ConfigError> {
        Ok(self.error_response(AuthErrorResponse::new(realm)?))
    }

    /// Sets how requests are refused: the realm, what bodies look like, and more.
    pub fn error_response(self, response: AuthErrorResponse) -> Self {
        self.set(|authenticator| {
            let response = response.locations(&authenticator.locations);
            authenticator.error_response = Arc::new(response);
        })
    }

    /// Sets where in a request a client may put its key.
    pub fn locations(self, locations: KeyLocations) -> Self {
        self.set(|authenticator| {
            let response = AuthErrorResponse::clone(&authenticator.error_response);
            authenticator.error_response = Arc::new(response.locations(&locations));
            authenticator.locations = locations;
        })
    }

    /// Exempts routes, or asks for scopes.
    pub fn policy(self, policy: RoutePolicy) -> Self {
        self.set(|authenticator| authenticator.policy = policy)
    }

    /// Goes on with the last good set for so long while each attempt to load it again fails; then keys
    /// are answered 503, since nobody knows what has been revoked meanwhile. One hour unless told.
    pub fn max_stale(self, max_stale: Duration) -> Self {
        self.set(|authenticator| authenticator.max_stale = max_stale)
    }

    /// Takes these headers off each request, in any case and with underscores for hyphens: those that the
    /// application itself sets, so that no client can say who it is.
    pub fn strip_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.set(|authenticator| authenticator.identity_headers.extend(names))
    }

    /// Refuses tokens that `is_plausible` says are typing errors, before they are looked up:
    /// [`NewKey::is_plausible`](crate::keyring::NewKey::is_plausible), where all keys are made by it.
    pub fn check_format(self, is_plausible: fn(&[u8]) -> bool) -> Self {
        self.set(|authenticator| authenticator.is_plausible = is_plausible)
    }
}

impl RequireKeyLayer {
    /// The same before a service that puts a key of ours on all that it is given.
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

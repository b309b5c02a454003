//! What decides requests to a layer, and is shared by all clones of its services.

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};

use super::auth_error::Realm;
use super::hooks::{SecondFactor, SecureOnly};
use super::key_set::KeySet;
use super::location::{KeyLocation, KeyLocations};
use super::policy::RoutePolicy;
use super::refusal::Refusals;
use crate::rotating::Rotating;

/// Decides requests to a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) by its settings, and
/// reports what it refuses.
#[derive(Clone, Debug)]
pub(crate) struct Authenticator {
    pub(crate) keys: Rotating<KeySet>,
    pub(crate) enforcement: Enforcement,
    pub(crate) preflights: Preflights,
    /// The realm of challenges, if it is not that of the error response.
    pub(crate) realm: Option<Realm>,
    pub(crate) locations: KeyLocations,
    /// The value of `Vary` that names the headers among the locations.
    pub(crate) vary: HeaderValue,
    pub(crate) policy: Policy,
    pub(crate) second_factor: Option<SecondFactor>,
    pub(crate) secure_only: Option<SecureOnly>,

    pub(crate) max_stale: Duration,
    pub(crate) identity_headers: Vec<HeaderName>,
    pub(crate) is_plausible: Option<fn(&[u8]) -> bool>,
    pub(crate) refusals: Refusals,
}

/// The rules of the routes.
#[derive(Clone, Debug)]
pub(crate) enum Policy {
    Fixed(RoutePolicy),
    /// It is replaced while the service runs.
    Rotating(Rotating<RoutePolicy>),
}

impl Policy {
    /// Calls `decide` with the policy in force. One load: a decision must be that of one policy.
    pub(crate) fn with<T>(&self, decide: impl FnOnce(&RoutePolicy) -> T) -> T {
        match self {
            Self::Fixed(policy) => decide(policy),
            Self::Rotating(policies) => decide(&policies.current()),
        }
    }
}

/// Whether the layer checks keys at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enforcement {
    Enforced,
    Off,
}

/// What the layer does with CORS preflights, which cannot carry a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preflights {
    /// They need a key like other requests.
    RequireKey,
    /// They reach the inner service, which responds to them.
    PassThrough,
}

impl Authenticator {
    pub(crate) fn new(keys: Rotating<KeySet>, enforcement: Enforcement) -> Self {
        let locations = KeyLocations::default();
        Self {
            refusals: Refusals::new(keys.clone()),
            keys,
            enforcement,
            preflights: Preflights::RequireKey,
            realm: None,
            vary: vary(&locations),
            locations,
            policy: Policy::Fixed(RoutePolicy::new()),
            second_factor: None,
            secure_only: None,

            max_stale: Duration::from_secs(3600),
            identity_headers: Vec::new(),
            is_plausible: None,
        }
    }

    pub(crate) fn set_locations(&mut self, locations: KeyLocations) {
        self.vary = vary(&locations);
        self.locations = locations;
    }

    /// Adapts the challenges to the realm and the locations, in whichever order they were set.
    pub(crate) fn adapt_error_response(&mut self) {
        let response = self.refusals.response().clone().locations(&self.locations);
        self.refusals.set_response(match &self.realm {
            Some(realm) => response.with_realm(realm.clone()),
            None => response,
        });
    }
}

fn vary(locations: &KeyLocations) -> HeaderValue {
    let mut names: Vec<_> = locations.as_slice().iter().filter_map(header_of).collect();
    names.dedup();
    // This cannot fail: names of headers are visible ASCII. If it did, `*` would be safe.
    HeaderValue::try_from(names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static("*"))
}

fn header_of(location: &KeyLocation) -> Option<&str> {
    match location {
        KeyLocation::Bearer | KeyLocation::Basic => Some(AUTHORIZATION.as_str()),
        KeyLocation::Header(name) => Some(name.as_str()),
        KeyLocation::WebSocketProtocol => Some(SEC_WEBSOCKET_PROTOCOL.as_str()),
        KeyLocation::Query(_) => None,
    }
}

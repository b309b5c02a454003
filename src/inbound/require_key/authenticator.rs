//! The decision about a request, from its head, the key set and the time.

use std::mem::take;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Extensions, HeaderMap, HeaderName, Method, Request, Uri};

use super::log_limiter::LogLimiter;
use super::preflight::is_preflight;
use super::router::{matched_template, original_uri};
use crate::inbound::auth_error::{AuthError, AuthErrorKind, AuthErrorResponse};
use crate::inbound::event::EventKind;
use crate::inbound::key_set::{KeySet, verify};
use crate::inbound::location::{KeyLocations, strip_identity};
use crate::inbound::policy::{Access, RoutePolicy};
use crate::inbound::principal::{Anonymous, KeyPrincipal, Principal};
use crate::rotating::{Events, Rotating};

/// How long a client waits before it asks again while keys cannot be checked.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The state that all clones of a layer's services share.
#[derive(Clone, Debug)]
pub(crate) struct Authenticator {
    pub(crate) keys: Rotating<KeySet>,
    pub(crate) enforcement: Enforcement,
    pub(crate) preflights: Preflights,
    pub(crate) locations: KeyLocations,
    pub(crate) policy: RoutePolicy,
    pub(crate) error_response: Arc<AuthErrorResponse>,
    pub(crate) max_stale: Duration,
    pub(crate) identity_headers: Vec<HeaderName>,
    pub(crate) is_plausible: fn(&[u8]) -> bool,
    pub(crate) log_limiter: Arc<LogLimiter>,
    pub(crate) events: Arc<Events<EventKind>>,
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
    /// They reach the inner service, which responds to them.
    PassThrough,
    /// They need a key like other requests, since the inner service would inject our own key into
    /// them.
    RequireKey,
}

/// The head of a request.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) extensions: &'a Extensions,
}

impl Authenticator {
    /// Decides about a request.
    ///
    /// Returns no principal for a public route while keys are checked, nor for a preflight that
    /// passes without a key.
    pub(crate) fn authenticate(
        &self,
        head: Head<'_>,
        now: SystemTime,
    ) -> Result<Option<Principal>, AuthError> {
        let is_preflight = is_preflight(head.method, head.headers);
        if self.enforcement == Enforcement::Off {
            return Ok((!is_preflight).then_some(Principal::Open));
        }
        let template = matched_template(head.extensions);
        let access = self.policy.access(head.method, head.uri.path(), template);
        match &*access {
            Access::Public => return Ok(None),
            Access::Deny => return Err(AuthErrorKind::Forbidden.into()),
            Access::Optional | Access::OptionalLenient | Access::Required(_) => {}
        }
        if is_preflight && self.preflights == Preflights::PassThrough {
            return Ok(None);
        }
        match (self.identify(head, now), &*access) {
            (Ok(principal), Access::Required(scopes))
                if !principal.scopes().contains_all(scopes) =>
            {
                Err(AuthError::insufficient_scope(scopes.clone()))
            }
            (Ok(principal), _) => Ok(Some(Principal::Key(principal))),
            (Err(_), Access::OptionalLenient) => Ok(Some(self.anonymous())),
            (Err(error), Access::Optional) if error.nothing_presented() => {
                Ok(Some(self.anonymous()))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Removes the content of every key location, and identity headers, on every route and in every
    /// mode.
    pub(crate) fn strip<B>(&self, request: &mut Request<B>) {
        let mut uri = take(request.uri_mut());
        self.locations.strip(request.headers_mut(), &mut uri);
        *request.uri_mut() = uri;
        if self.locations.are_in_uris() {
            if let Some(copy) = original_uri(request.extensions_mut()) {
                self.locations.strip_uri(copy);
            }
        }
        strip_identity(&self.identity_headers, request.headers_mut());
    }

    fn identify(&self, head: Head<'_>, now: SystemTime) -> Result<KeyPrincipal, AuthError> {
        let outer = head.extensions.get().and_then(Principal::key);
        if let Some(outer) = outer.filter(|outer| outer.keys().is_same(&self.keys)) {
            return outer.renewed_at(now).map_err(AuthError::from);
        }
        let token = self.locations.extract(head.headers, head.uri)?;
        if !(self.is_plausible)(token.bytes()) {
            return Err(AuthErrorKind::BadChecksum.into());
        }
        // One load: the failures, the verdict and the generation must be those of one set.
        let keys = self.keys.current();
        if keys.failing_for() > self.max_stale {
            return Err(AuthError::unavailable(RETRY_AFTER));
        }
        let (digest, record) = verify(&keys, token.bytes(), now, |_| {})?;
        record.last_use.note(now);
        let (record, seen) = (Arc::clone(record), keys.generation());
        Ok(KeyPrincipal::new(record, digest, self.keys.clone(), seen))
    }

    fn anonymous(&self) -> Principal {
        Principal::Anonymous(Anonymous::new(Arc::clone(&self.error_response)))
    }
}

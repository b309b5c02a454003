//! Who is let through: one decision from the head of a request, the key set and `now`.

use std::mem::take;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Extensions, HeaderMap, HeaderName, Method, Request, Uri};

use super::key_set::KeySet;
use super::original_uri::original_uri;
use super::policy::{Access, Policies, is_preflight, matched_template};
use super::principal::{Anonymous, KeyPrincipal, Principal};
use super::refusal::Refusal;
use super::refuser::Refuser;
use super::slot::Slots;
use super::strip::strip_identity;
use super::verify::{InvalidToken, verify};
use super::watchman::Watchman;
use crate::rotating::Rotating;

/// What every clone of one layer's services shares.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) keys: Rotating<KeySet>,
    pub(super) doors: Doors,
    pub(super) preflights: Preflights,
    pub(super) slots: Slots,
    pub(super) policies: Policies,
    pub(super) refuser: Arc<Refuser>,
    pub(super) max_stale: Duration,
    pub(super) identity_headers: Vec<HeaderName>,
    pub(super) is_plausible: fn(&[u8]) -> bool,
    pub(super) watchman: Arc<Watchman>,
}

/// Whether anybody looks at keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doors {
    Guarded,
    Open,
}

/// What happens to CORS preflights, which cannot carry a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preflights {
    /// They reach the inner service, which answers them.
    Pass,
    /// They need a key like any other request: the inner service would put one of ours on them.
    NeedAKey,
}

/// The head of a request, as the decision needs it.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) extensions: &'a Extensions,
}

impl Gate {
    /// Lets a request through, with a principal where one was looked for, or refuses it.
    pub(super) fn admit(
        &self,
        head: Head<'_>,
        now: SystemTime,
    ) -> Result<Option<Principal>, Refusal> {
        let is_preflight = is_preflight(head.method, head.headers);
        if self.doors == Doors::Open {
            return Ok((!is_preflight).then_some(Principal::Open));
        }
        let template = matched_template(head.extensions);
        let access = self.policies.access(head.method, head.uri.path(), template);
        match access {
            Access::Public => return Ok(None),
            Access::Deny => return Err(Refusal::Forbidden),
            Access::Optional | Access::OptionalLenient | Access::Required(_) => {}
        }
        if is_preflight && self.preflights == Preflights::Pass {
            return Ok(None);
        }
        match (self.identify(head, now), access) {
            (Ok(principal), Access::Required(scopes))
                if !principal.scopes().contains_all(scopes) =>
            {
                Err(Refusal::InsufficientScope(scopes.clone()))
            }
            (Ok(principal), _) => Ok(Some(Principal::Key(principal))),
            (Err(_), Access::OptionalLenient) => Ok(Some(self.anonymous())),
            (Err(refusal), Access::Optional) if refusal.nothing_presented() => {
                Ok(Some(self.anonymous()))
            }
            (Err(refusal), _) => Err(refusal),
        }
    }

    /// Takes everything off a request that a client may have presented: whatever the route, whatever the
    /// mode, the inner service sees no key.
    pub(super) fn strip<B>(&self, request: &mut Request<B>) {
        let mut uri = take(request.uri_mut());
        self.slots.strip(request.headers_mut(), &mut uri);
        *request.uri_mut() = uri;
        if self.slots.are_in_uris() {
            if let Some(copy) = original_uri(request.extensions_mut()) {
                self.slots.strip_uri(copy);
            }
        }
        strip_identity(&self.identity_headers, request.headers_mut());
    }

    fn identify(&self, head: Head<'_>, now: SystemTime) -> Result<KeyPrincipal, Refusal> {
        let outer = head.extensions.get().and_then(Principal::key);
        if let Some(outer) = outer.filter(|outer| outer.keys().is_same(&self.keys)) {
            return outer.renewed_at(now).map_err(Refusal::from);
        }
        let token = self.slots.extract(head.headers, head.uri)?;
        if !(self.is_plausible)(token.bytes()) {
            return Err(Refusal::BadChecksum);
        }
        let keys = self.keys.current();
        if keys.failing_for() > self.max_stale {
            let retry_after = Duration::from_secs(30);
            return Err(Refusal::Unavailable { retry_after });
        }
        let (digest, record) = verify(&keys, token.bytes(), now, |_| {})?;
        record.last_use.note(now);
        let (record, seen) = (Arc::clone(record), keys.generation());
        Ok(KeyPrincipal::new(record, digest, self.keys.clone(), seen))
    }

    fn anonymous(&self) -> Principal {
        Principal::Anonymous(Anonymous::new(Arc::clone(&self.refuser)))
    }
}

impl From<InvalidToken> for Refusal {
    fn from(invalid: InvalidToken) -> Self {
        match invalid {
            InvalidToken::Unknown => Self::Unknown,
            InvalidToken::NotYetValid => Self::NotYetValid,
            InvalidToken::Expired => Self::Expired,
            InvalidToken::Revoked => Self::Revoked,
            InvalidToken::Disabled => Self::Disabled,
        }
    }
}

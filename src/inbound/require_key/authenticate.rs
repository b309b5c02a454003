//! The decision about a request, from its head, the key set and the time.

use std::mem::take;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::AUTHORIZATION;
use http::{Request, Uri};

use super::cache::Caching;
use super::hidden::hidden_in;
use super::preflight::is_preflight;
use super::router::original_uri;
use crate::inbound::auth_error::{AuthError, AuthErrorKind};
use crate::inbound::authenticator::{Authenticator, Enforcement, Preflights};
use crate::inbound::key::{KeyDigest, KeyStatus, Noted};
use crate::inbound::key_set::judge;
use crate::inbound::location::{KeyLocation, Token, strip_identity};
use crate::inbound::policy::Access;
use crate::inbound::principal::{Anonymous, Caller, Hidden, Identity, KeyPrincipal, Principal};
use crate::inbound::refusal::RequestHead;
use crate::inbound::validator::{Validated, Validity};

/// How long a client waits before it asks again while keys cannot be checked.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A request that the layer lets in.
#[derive(Debug)]
pub(crate) struct Admission {
    /// `None` for a public route while keys are checked, and for a preflight that passes.
    pub(crate) caller: Option<Caller>,
    pub(crate) caching: Caching,
}

impl Admission {
    const NOBODY: Self = Self {
        caller: None,
        caching: Caching::AsItIs,
    };
}

impl Authenticator {
    /// Decides about a request.
    pub(crate) fn authenticate(
        self: &Arc<Self>,
        head: RequestHead<'_>,
        now: SystemTime,
    ) -> Result<Admission, AuthError> {
        if self.enforcement == Enforcement::Off {
            let is_preflight = is_preflight(head.method, head.headers);
            return Ok(Admission {
                caller: (!is_preflight).then_some(Caller::Open),
                ..Admission::NOBODY
            });
        }
        self.check_channel(head, now)?;
        self.policy.with(|policy| {
            let access = policy.access(head.method, head.uri.path(), head.template);
            self.authorize(&access, head, now)
        })
    }

    /// Decides about a request to a route with this rule.
    fn authorize(
        self: &Arc<Self>,
        access: &Access,
        head: RequestHead<'_>,
        now: SystemTime,
    ) -> Result<Admission, AuthError> {
        match access {
            Access::Public => return Ok(Admission::NOBODY),
            Access::Deny => return Err(self.forbidden(head, now)),
            Access::Optional | Access::OptionalLenient | Access::Required(_) => {}
        }
        if self.preflights == Preflights::PassThrough && is_preflight(head.method, head.headers) {
            return Ok(Admission::NOBODY);
        }
        let caller = match (self.identify(head, now), access) {
            (Ok(identity), Access::Required(requirement)) => {
                requirement.check(identity.record())?;
                Caller::Key(identity)
            }
            (Ok(identity), _) => Caller::Key(identity),
            (Err(error), Access::OptionalLenient) => {
                // A token that is no key may be another system's, which nobody refuses.
                if error.key_id().is_some() {
                    self.refusals.report(&error, head);
                }
                self.anonymous()
            }
            (Err(error), Access::Optional) if error.nothing_presented() => self.anonymous(),
            (Err(error), _) => return Err(error),
        };
        if let Caller::Key(identity) = &caller {
            self.note_use(identity, head, now);
        }
        Ok(Admission {
            caching: Caching::of(head.method, access, &caller),
            caller: Some(caller),
        })
    }

    /// Removes the content of every key location, and identity headers, on every route and in every
    /// mode. Returns it, for a layer further in.
    pub(crate) fn strip<B>(&self, request: &mut Request<B>) -> Hidden {
        let mut hidden = Hidden::NOTHING;
        let headers = request.headers_mut();
        for location in self.locations.as_slice() {
            match location {
                KeyLocation::Bearer | KeyLocation::Basic => hidden.hide(headers, &AUTHORIZATION),
                KeyLocation::Header(name) => hidden.hide(headers, name),
                KeyLocation::WebSocketProtocol => hidden.hide_protocols(headers),
                KeyLocation::Query(_) => {}
            }
        }
        if self.locations.are_in_uris() {
            let mut uri = take(request.uri_mut());
            if let Some(before) = self.strip_uri(&mut uri) {
                hidden.hide_uri(before);
            }
            *request.uri_mut() = uri;
            if let Some(copy) = original_uri(request.extensions_mut()) {
                self.locations.strip_uri(copy);
            }
        }
        strip_identity(&self.identity_headers, request.headers_mut());
        hidden
    }

    /// Removes keys from a URI. Returns the URI before, if it had one.
    fn strip_uri(&self, uri: &mut Uri) -> Option<Uri> {
        let before = uri.clone();
        self.locations.strip_uri(uri);
        (*uri != before).then_some(before)
    }

    /// Returns the client whose valid key this request may use.
    fn identify(
        self: &Arc<Self>,
        head: RequestHead<'_>,
        now: SystemTime,
    ) -> Result<Identity, AuthError> {
        let identity = self.find_key(head, now)?;
        self.check_restrictions(identity.record(), head)?;
        Ok(identity)
    }

    /// Returns the client whose key the request presents.
    fn find_key(
        self: &Arc<Self>,
        head: RequestHead<'_>,
        now: SystemTime,
    ) -> Result<Identity, AuthError> {
        let hidden = hidden_in(head.extensions);
        let kept = head.extensions.get().and_then(Principal::key);
        if let (None, Some(kept)) = (hidden, kept.filter(|kept| self.trusts(kept))) {
            let admitted = self.admit(*kept.digest(), now)?;
            return Ok(admitted.located_as(kept.identity()));
        }
        let (digest, location, is_plausible) = self.with_token(head, |token| {
            let digest = KeyDigest::of(token.bytes());
            (digest, token.location_index(), self.is_plausible(token))
        })?;
        let admitted = match is_plausible {
            true => self.admit(digest, now),
            false => Err(AuthErrorKind::BadChecksum.into()),
        };
        let admitted = match admitted {
            Err(error) if is_unknown_key(&error) => {
                match Validated::find(head.extensions, &digest, self) {
                    Some(validity) => self.admit_validated(validity, digest, now)?,
                    None => return Err(error),
                }
            }
            admitted => admitted?,
        };
        Ok(admitted.located_at(location))
    }

    /// Returns whether a token may be a key, by its format.
    pub(crate) fn is_plausible(&self, token: &Token<'_>) -> bool {
        self.is_plausible
            .is_none_or(|is_plausible| is_plausible(token.bytes()))
    }

    /// Reads the token of a request as the client sent it.
    pub(crate) fn with_token<T>(
        &self,
        head: RequestHead<'_>,
        read: impl FnOnce(&Token<'_>) -> T,
    ) -> Result<T, AuthError> {
        let restored =
            hidden_in(head.extensions).map(|hidden| hidden.restored(head.headers, head.uri));
        let (headers, uri) = match &restored {
            Some((headers, uri)) => (headers, uri),
            None => (head.headers, head.uri),
        };
        Ok(read(&self.locations.extract(headers, uri)?))
    }

    /// Returns the client whose token a validator has judged.
    fn admit_validated(
        self: &Arc<Self>,
        validity: &Validity,
        digest: KeyDigest,
        now: SystemTime,
    ) -> Result<Identity, AuthError> {
        let record = match validity {
            Validity::Valid(record) => Arc::new(record.clone()),
            Validity::Invalid => return Err(AuthErrorKind::Unknown.into()),
            Validity::Unavailable { retry_after } => {
                return Err(AuthError::unavailable(*retry_after));
            }
        };
        match record.status_at(now) {
            KeyStatus::Active => {
                let seen = self.keys.current().generation();
                Ok(Identity::validated(record, digest, Arc::clone(self), seen))
            }
            status => Err(AuthError::from(status).of_key(&record)),
        }
    }

    /// Returns the client whose key has this digest. Whatever the request presents, it is checked
    /// here.
    fn admit(self: &Arc<Self>, digest: KeyDigest, now: SystemTime) -> Result<Identity, AuthError> {
        // One load: the failures, the record and the generation must be those of one set.
        let keys = self.keys.current();
        if keys.failing_for() > self.max_stale {
            return Err(AuthError::unavailable(RETRY_AFTER));
        }
        let record = judge(&keys, keys.find(&digest), now)?;
        let (record, seen) = (Arc::clone(record), keys.generation());
        Ok(Identity::new(record, digest, Arc::clone(self), seen))
    }

    /// Notes that a request with this key is admitted, and reports the first one of a minute.
    fn note_use(&self, identity: &Identity, head: RequestHead<'_>, now: SystemTime) {
        let record = identity.record();
        let noted = match identity.checked().is_validated() {
            true => self.refusals.note_validated(record, now),
            false => record.last_use.note(now),
        };
        if noted == Noted::Now {
            self.refusals.used(record, identity.seen(), head);
        }
    }

    /// Returns whether a principal without its token satisfies the rules of this layer, apart from
    /// those of its key: that an application has kept it from an earlier request is enough.
    fn trusts(self: &Arc<Self>, kept: &KeyPrincipal) -> bool {
        let is_same = kept.keys().is_same(&self.keys);
        let is_checked = self.is_plausible.is_none() || Arc::ptr_eq(kept.authenticator(), self);
        is_same && is_checked && self.locations.as_slice().contains(kept.location())
    }

    /// Returns the error of a closed route, with the key that the client presents, for the log.
    fn forbidden(self: &Arc<Self>, head: RequestHead<'_>, now: SystemTime) -> AuthError {
        let error = AuthError::from(AuthErrorKind::Forbidden);
        match self.identify(head, now) {
            Ok(identity) => error.of_key(identity.record()),
            Err(unidentified) => error.of_key_in(&unidentified),
        }
    }

    fn anonymous(&self) -> Caller {
        Caller::Anonymous(Anonymous::new(self.refusals.clone()))
    }
}

/// Returns whether an error says that a token is no key of the set.
const fn is_unknown_key(error: &AuthError) -> bool {
    matches!(
        error.kind(),
        AuthErrorKind::BadChecksum | AuthErrorKind::Unknown
    )
}

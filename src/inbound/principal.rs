//! The principal: who is calling.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::select;

use super::auth_error::AuthErrorResponse;
use super::key::{ClientId, KeyDigest, KeyId, KeyRecord, KeyStatus, Scopes};
use super::key_set::{KeySet, judge};
use crate::clock::sleep_toward;
use crate::generation::Generation;
use crate::rotating::Rotating;

/// Who is calling. The layer puts it into the extensions of each request that it lets through.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Principal {
    /// A client with an active key.
    Key(KeyPrincipal),
    /// A caller without a key, on a route that needs none.
    Anonymous(Anonymous),
    /// Any caller: the layer was made to check no keys.
    Open,
}

/// A caller without a key.
#[derive(Clone, Debug)]
pub struct Anonymous(Arc<AuthErrorResponse>);

impl Anonymous {
    pub(crate) const fn new(error_response: Arc<AuthErrorResponse>) -> Self {
        Self(error_response)
    }

    /// Returns how the layer refuses requests, for a handler that needs a key after all.
    pub fn error_response(&self) -> &AuthErrorResponse {
        &self.0
    }
}

/// A client with an active key. It shows neither the key nor its digest.
#[derive(Clone, Debug)]
pub struct KeyPrincipal {
    record: Arc<KeyRecord>,
    digest: KeyDigest,
    keys: Rotating<KeySet>,
    /// The generation of the set in which the key was last seen to be active.
    seen: Generation,
}

impl Principal {
    /// Returns the client with a key, if it is one.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyPrincipal> {
        match self {
            Self::Key(principal) => Some(principal),
            Self::Anonymous(_) | Self::Open => None,
        }
    }
}

impl KeyPrincipal {
    pub(crate) const fn new(
        record: Arc<KeyRecord>,
        digest: KeyDigest,
        keys: Rotating<KeySet>,
        seen: Generation,
    ) -> Self {
        Self {
            record,
            digest,
            keys,
            seen,
        }
    }

    /// Creates a principal for tests of handlers, without a layer or a key set.
    ///
    /// Put it into a request's extensions as [`Principal::Key`]. Its key is named `test`, and never
    /// ends: [`ended`](Self::ended) does not resolve.
    ///
    /// It cannot pass for a caller with a key: a [`RequireKeyLayer`] that finds it in extensions
    /// still asks for a key. The layer trusts principals of its own key set alone, whatever keys
    /// that set lists now or later.
    ///
    /// [`RequireKeyLayer`]: crate::inbound::RequireKeyLayer
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, StatusCode};
    /// use tower_rotating_auth::inbound::{KeyPrincipal, Principal};
    ///
    /// fn handler(request: &Request<()>) -> StatusCode {
    ///     let key = request.extensions().get().and_then(Principal::key);
    ///     match key {
    ///         Some(key) if key.client().as_str() == "batch" => StatusCode::OK,
    ///         _ => StatusCode::FORBIDDEN,
    ///     }
    /// }
    ///
    /// let mut request = Request::new(());
    /// let key = KeyPrincipal::for_tests("batch".parse()?, "chat:write".parse()?);
    /// request.extensions_mut().insert(Principal::Key(key));
    /// assert_eq!(handler(&request), StatusCode::OK);
    /// # Ok::<_, tower_rotating_auth::ParseError>(())
    /// ```
    #[must_use]
    pub fn for_tests(client: ClientId, scopes: Scopes) -> Self {
        let record = KeyRecord::new(KeyId::for_tests(), client, scopes);
        // Of no token that a client could send: a token is never empty.
        let digest = KeyDigest::of(b"");
        let mut set = KeySet::empty();
        set.put(digest, record.clone());
        let (keys, _publisher) = Rotating::manual(set);
        let seen = keys.current().generation();
        Self::new(Arc::new(record), digest, keys, seen)
    }

    /// Returns the name of the client, whichever keys it has had.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        self.record.client()
    }

    /// Returns the name of the key that the client presented.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        self.record.id()
    }

    /// Returns the scopes of the key.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        self.record.scopes()
    }

    /// Returns when the key expires, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.record.expires_at()
    }

    /// Waits until the key has ended, for whatever reason.
    ///
    /// Returns its status then: [`Revoked`](KeyStatus::Revoked), [`Expired`](KeyStatus::Expired),
    /// [`Disabled`](KeyStatus::Disabled), [`NotYetValid`](KeyStatus::NotYetValid) if its start was
    /// put off, or [`Unknown`](KeyStatus::Unknown) if the key was removed from the set. It is for
    /// handlers that keep a connection open; bodies of responses end by themselves.
    ///
    /// Poll it in a tokio runtime with a timer.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: dropping the future changes nothing.
    pub async fn ended(&self) -> KeyStatus {
        let mut changes = self.keys.subscribe();
        loop {
            let until = match self.validity_at(self.keys.wall()) {
                Ok(until) => until,
                Err(ended) => return ended,
            };
            select! {
                change = changes.changed() => if change.is_none() {
                    self.expired().await;
                },
                () = sleep_toward(until, self.keys.wall()) => {}
            }
        }
    }

    /// Waits for the clock alone: the set will not change any more.
    async fn expired(&self) {
        while let Ok(until) = self.validity_at(self.keys.wall()) {
            sleep_toward(until, self.keys.wall()).await;
        }
    }

    pub(crate) fn keys(&self) -> &Rotating<KeySet> {
        &self.keys
    }

    pub(crate) const fn seen(&self) -> Generation {
        self.seen
    }

    /// Returns until when the key is active in the current set, or its status if it is not.
    pub(crate) fn validity_at(&self, now: SystemTime) -> Result<Option<SystemTime>, KeyStatus> {
        let keys = self.keys.current();
        let record = judge(&keys, keys.find(&self.digest), now)?;
        Ok(record.expires_at())
    }

    /// Returns the same client with the current record, if its key is still active.
    pub(crate) fn renewed_at(&self, now: SystemTime) -> Result<Self, KeyStatus> {
        let keys = self.keys.current();
        let record = judge(&keys, keys.find(&self.digest), now)?;
        Ok(Self {
            record: Arc::clone(record),
            seen: keys.generation(),
            ..self.clone()
        })
    }
}

//! Who is calling.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::select;

use super::auth_error::AuthErrorResponse;
use super::key::{ClientId, KeyDigest, KeyId, KeyRecord, KeyStatus, Scopes};
use super::key_set::{KeySet, VerifyError, judge};
use crate::clock::sleep_toward;
use crate::generation::Generation;
use crate::rotating::Rotating;

/// Who is calling: in the extensions of each request that was let through.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Principal {
    /// A client with a valid key.
    Key(KeyPrincipal),
    /// Somebody without a key, where none is needed.
    Anonymous(Anonymous),
    /// Anybody: the doors are open, and nobody looks at keys.
    Open,
}

/// Somebody without a key.
#[derive(Clone, Debug)]
pub struct Anonymous(Arc<AuthErrorResponse>);

impl Anonymous {
    pub(crate) const fn new(error_response: Arc<AuthErrorResponse>) -> Self {
        Self(error_response)
    }

    /// How the layer that let the caller through refuses requests: for a handler that wants a key after all.
    pub fn error_response(&self) -> &AuthErrorResponse {
        &self.0
    }
}

/// A client with a valid key. It knows neither the key nor its digest's text.
#[derive(Clone, Debug)]
pub struct KeyPrincipal {
    record: Arc<KeyRecord>,
    digest: KeyDigest,
    keys: Rotating<KeySet>,
    /// The generation of the set in which the key was found to be valid.
    seen: Generation,
}

impl Principal {
    /// The client with a valid key, if it is one.
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
    /// ends: [`revoked`](Self::revoked) does not resolve.
    ///
    /// It opens no door. A [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) that finds it in the
    /// extensions still asks for a key, because the principal does not come from the layer's own
    /// key set, whatever keys that set lists now or later.
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
    /// # Ok::<_, tower_rotating_auth::inbound::ParseError>(())
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

    /// Who it is, whatever keys it has had.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        self.record.client()
    }

    /// Which of the client's keys it presented.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        self.record.id()
    }

    /// What the key may do.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        self.record.scopes()
    }

    /// When the key expires, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.record.expires_at()
    }

    /// Resolves when the key is not valid any more: revoked, taken out of the set, or expired. For
    /// handlers that keep a connection open; bodies of responses end by themselves.
    ///
    /// It must be polled in a tokio runtime with a timer.
    ///
    /// # Cancel safety
    ///
    /// Dropping it changes nothing.
    pub async fn revoked(&self) -> KeyStatus {
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

    /// The set will not change any more: there is only the clock.
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

    /// How the key stands in the set as it is now: until when it is valid, or why it is not.
    pub(crate) fn validity_at(&self, now: SystemTime) -> Result<Option<SystemTime>, KeyStatus> {
        let keys = self.keys.current();
        let record = judge(&keys, keys.find(&self.digest), now).map_err(|error| error.status())?;
        Ok(record.expires_at())
    }

    /// The same client by the record that is current, if its key is still valid.
    pub(crate) fn renewed_at(&self, now: SystemTime) -> Result<Self, VerifyError> {
        let keys = self.keys.current();
        let record = judge(&keys, keys.find(&self.digest), now)?;
        Ok(Self {
            record: Arc::clone(record),
            seen: keys.generation(),
            ..self.clone()
        })
    }
}

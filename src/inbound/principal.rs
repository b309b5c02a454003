//! The principal: who is calling.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::select;

use super::auth_error::AuthErrorResponse;
use super::key::{ClientId, KeyDigest, KeyId, KeyRecord, KeyStatus, Scopes};
use super::key_set::{KeySet, judge};
use super::location::KeyLocation;
use super::refusal::Refusals;
use super::settings::{Enforcement, Settings};
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
pub struct Anonymous(Refusals);

impl Anonymous {
    pub(crate) const fn new(refusals: Refusals) -> Self {
        Self(refusals)
    }

    pub(crate) const fn refusals(&self) -> &Refusals {
        &self.0
    }

    /// Returns how the layer refuses requests, for a handler that needs a key after all.
    pub fn error_response(&self) -> &AuthErrorResponse {
        self.0.response()
    }
}

/// A client with an active key. It shows neither the key nor its digest.
#[derive(Clone)]
pub struct KeyPrincipal {
    record: Arc<KeyRecord>,
    digest: KeyDigest,
    /// The settings of the layer that checked the key.
    settings: Arc<Settings>,
    /// The generation of the set in which the key was last seen to be active.
    seen: Generation,
    located: Located,
}

/// The location of the key in the request.
#[derive(Clone)]
struct Located {
    index: usize,
    /// The layer among whose locations that is, if it is another one.
    of: Option<Arc<Settings>>,
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

    /// Waits until the client's key has ended. Never returns for a caller without a key.
    ///
    /// See [`KeyPrincipal::ended`].
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: dropping the future changes nothing.
    pub async fn ended(&self) -> KeyStatus {
        match self {
            Self::Key(principal) => principal.ended().await,
            Self::Anonymous(_) | Self::Open => pending().await,
        }
    }
}

impl KeyPrincipal {
    pub(crate) const fn new(
        record: Arc<KeyRecord>,
        digest: KeyDigest,
        settings: Arc<Settings>,
        seen: Generation,
    ) -> Self {
        Self {
            record,
            digest,
            settings,
            seen,
            located: Located { index: 0, of: None },
        }
    }

    pub(crate) fn located_at(mut self, index: usize) -> Self {
        self.located = Located { index, of: None };
        self
    }

    /// Takes over the location from a principal of another layer, or of another request.
    pub(crate) fn located_as(mut self, other: &Self) -> Self {
        let of = other.located.of.as_ref().unwrap_or(&other.settings);
        self.located = Located {
            index: other.located.index,
            of: Some(Arc::clone(of)),
        };
        self
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
        let settings = Settings::new(keys, Enforcement::Enforced);
        Self::new(Arc::new(record), digest, Arc::new(settings), seen)
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

    /// Returns where in the request the key stood: the first location if it was in several.
    ///
    /// A principal that was made [for tests](Self::for_tests) is in the first default location.
    #[must_use]
    pub fn location(&self) -> &KeyLocation {
        let settings = self.located.of.as_ref().unwrap_or(&self.settings);
        &settings.locations.as_slice()[self.located.index]
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
        let mut changes = self.keys().subscribe();
        loop {
            let until = match self.validity_at(self.keys().wall()) {
                Ok(until) => until,
                Err(ended) => return ended,
            };
            select! {
                change = changes.changed() => if change.is_none() {
                    self.expired().await;
                },
                () = sleep_toward(until, self.keys().wall()) => {}
            }
        }
    }

    /// Waits for the clock alone: the set will not change any more.
    async fn expired(&self) {
        while let Ok(until) = self.validity_at(self.keys().wall()) {
            sleep_toward(until, self.keys().wall()).await;
        }
    }

    pub(crate) fn keys(&self) -> &Rotating<KeySet> {
        &self.settings.keys
    }

    pub(crate) const fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(crate) const fn record(&self) -> &Arc<KeyRecord> {
        &self.record
    }

    pub(crate) const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    pub(crate) const fn seen(&self) -> Generation {
        self.seen
    }

    /// Returns until when the key is active in the current set, or its status if it is not.
    pub(crate) fn validity_at(&self, now: SystemTime) -> Result<Option<SystemTime>, KeyStatus> {
        let keys = self.keys().current();
        let record = judge(&keys, keys.find(&self.digest), now).map_err(|error| error.status)?;
        Ok(record.expires_at())
    }
}

impl fmt::Debug for KeyPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPrincipal")
            .field("record", &self.record)
            .field("location", self.location())
            .finish_non_exhaustive()
    }
}

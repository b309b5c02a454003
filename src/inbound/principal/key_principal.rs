//! A client with an active key.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::checked_key::CheckedKey;
use super::hidden::Hidden;
use crate::generation::Generation;
use crate::inbound::key::{ClientId, KeyDigest, KeyId, KeyRecord, KeyStatus, Scopes};
use crate::inbound::key_set::KeySet;
use crate::inbound::location::KeyLocation;
use crate::inbound::settings::{Enforcement, Settings};
use crate::rotating::Rotating;

/// A client with an active key. It shows neither the key nor its digest.
#[derive(Clone)]
pub struct KeyPrincipal {
    record: Arc<KeyRecord>,
    checked: CheckedKey,
    /// The generation of the set in which the key was last seen to be active.
    seen: Generation,
    located: Located,
    /// What the layer has removed from the request. It lies here, since an extension of its own
    /// would cost each request an allocation.
    hidden: Hidden,
}

/// The location of the key in the request.
#[derive(Clone)]
struct Located {
    index: usize,
    /// The layer among whose locations that is, if it is another one.
    of: Option<Arc<Settings>>,
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
            checked: CheckedKey::new(digest, settings),
            seen,
            located: Located { index: 0, of: None },
            hidden: Hidden::NOTHING,
        }
    }

    pub(crate) fn located_at(mut self, index: usize) -> Self {
        self.located = Located { index, of: None };
        self
    }

    /// Takes over the location from a principal of another layer, or of another request.
    pub(crate) fn located_as(mut self, other: &Self) -> Self {
        let of = other.locating_settings();
        self.located = Located {
            index: other.located.index,
            of: Some(Arc::clone(of)),
        };
        self
    }

    /// Creates a principal for tests of handlers, without a layer or a key set.
    ///
    /// Put it into a request's extensions as
    /// [`Principal::Key`](crate::inbound::Principal::Key). Its key is named `test`, and never ends:
    /// [`ended`](Self::ended) does not resolve.
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
        &self.locating_settings().locations.as_slice()[self.located.index]
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
        self.checked.ended().await
    }

    pub(crate) fn keys(&self) -> &Rotating<KeySet> {
        self.checked.keys()
    }

    /// Returns the settings of the layer that found the key.
    fn locating_settings(&self) -> &Arc<Settings> {
        let of = self.located.of.as_ref();
        of.unwrap_or_else(|| self.settings())
    }

    pub(crate) const fn settings(&self) -> &Arc<Settings> {
        self.checked.settings()
    }

    pub(crate) const fn record(&self) -> &Arc<KeyRecord> {
        &self.record
    }

    pub(crate) const fn digest(&self) -> &KeyDigest {
        self.checked.digest()
    }

    pub(crate) const fn seen(&self) -> Generation {
        self.seen
    }

    pub(crate) const fn checked(&self) -> &CheckedKey {
        &self.checked
    }

    pub(crate) const fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    pub(crate) fn hiding(mut self, hidden: Hidden) -> Self {
        self.hidden = hidden;
        self
    }

    /// Returns a copy for a handler, which may keep it for longer than the request lives.
    #[cfg(feature = "axum")]
    pub(crate) fn without_hidden(&self) -> Self {
        Self {
            record: Arc::clone(&self.record),
            checked: self.checked.clone(),
            seen: self.seen,
            located: self.located.clone(),
            hidden: Hidden::NOTHING,
        }
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

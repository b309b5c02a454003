//! A client with an active key.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::hidden::Hidden;
use super::identity::Identity;
use crate::generation::Generation;
use crate::inbound::authenticator::{Authenticator, Enforcement};
use crate::inbound::key::{ClientId, KeyDigest, KeyId, KeyRecord, KeyStatus, Role, Scopes};
use crate::inbound::key_set::KeySet;
use crate::inbound::location::KeyLocation;
use crate::rotating::Rotating;

/// A client with an active key. It shows neither the key nor its digest.
#[derive(Clone)]
pub struct KeyPrincipal {
    identity: Identity,
    /// What the layer has removed from the request. It lies here, since an extension of its own
    /// would cost each request an allocation.
    hidden: Hidden,
}

impl KeyPrincipal {
    pub(crate) const fn new(identity: Identity, hidden: Hidden) -> Self {
        Self { identity, hidden }
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
    /// [`Principal::Key`]: crate::inbound::Principal::Key
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
        let authenticator = Authenticator::new(keys, Enforcement::Enforced);
        let identity = Identity::new(Arc::new(record), digest, Arc::new(authenticator), seen);
        Self::new(identity, Hidden::NOTHING)
    }

    /// Returns the name of the client, whichever keys it has had.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        self.identity.record().client()
    }

    /// Returns the name of the key that the client presented.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        self.identity.record().id()
    }

    /// Returns the scopes of the key.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        self.identity.record().scopes()
    }

    /// Returns the roles of the key, in alphabetical order.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        self.identity.record().roles()
    }

    /// Returns whether the key has this role.
    #[must_use]
    pub fn has_role(&self, role: &Role) -> bool {
        self.identity.record().has_role(role)
    }

    /// Returns whether a rotation has replaced the key: the client must change to the new one
    /// before
    /// [`expires_at`](Self::expires_at).
    #[must_use]
    pub fn in_grace(&self) -> bool {
        self.identity.record().in_grace()
    }

    /// Returns the generation of the key set that the key was found in.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.identity.seen()
    }

    /// Returns where in the request the key stood: the first location if it was in several.
    ///
    /// A principal that was made [for tests](Self::for_tests) is in the first default location.
    #[must_use]
    pub fn location(&self) -> &KeyLocation {
        self.identity.location()
    }

    /// Returns when the key expires, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.identity.record().not_after()
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
        self.identity.checked().ended().await
    }

    pub(crate) fn keys(&self) -> &Rotating<KeySet> {
        self.identity.checked().keys()
    }

    pub(crate) const fn authenticator(&self) -> &Arc<Authenticator> {
        self.identity.checked().authenticator()
    }

    pub(crate) const fn digest(&self) -> &KeyDigest {
        self.identity.checked().digest()
    }

    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) const fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    /// Returns a copy for a handler, which may keep it for longer than the request lives.
    #[cfg(feature = "axum")]
    pub(crate) fn without_hidden(&self) -> Self {
        Self::new(self.identity.clone(), Hidden::NOTHING)
    }
}

impl fmt::Debug for KeyPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPrincipal")
            .field("record", self.identity.record())
            .field("location", self.location())
            .finish_non_exhaustive()
    }
}

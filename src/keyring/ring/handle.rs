//! The handle: what the rest of a program holds of a key ring.

use std::fmt;
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot, watch};

use super::builder::KeyRingBuilder;
use super::error::KeyRingError;
use super::operation::{Command, Pending, Reply};
use super::outcome::{Imported, Issued, Rotated};
use crate::inbound::{ClientId, KeyId, KeySet, Scopes};
use crate::keyring::decide::{Candidate, Decided, Made};
use crate::keyring::request::{ExternalKey, IssueRequest, RevokeRequest, RotateRequest};
use crate::keyring::state::{ClientState, KeyRingState, KeySummary, KeyWarning};
use crate::keyring::store::Store;
use crate::keyring::token::{NewKey, Prefix};
use crate::rotating::Rotating;

/// Keys that are issued, rotated and revoked while a service runs.
///
/// A ring is the one publisher of the key set that a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) reads. Each operation is
/// decided, written to the [`Store`], and published, in that order; when it returns, it is in force: no request
/// that starts later is judged by what was before, in any clone of any layer. When it fails, nothing has changed,
/// unless the error is [`KeyRingErrorKind::Unknown`](crate::keyring::KeyRingErrorKind::Unknown).
///
/// What another process writes to the store, as a tool does that revokes a key, is taken in at the next operation, at a
/// [`reload`](Self::reload), and as often as [`sync_every`](KeyRingBuilder::sync_every) says: a service that others
/// write for sets it, since the key is accepted until then.
///
/// Clones are cheap and share the ring. One task does what they ask for, one operation after the other; it ends
/// when the last clone is dropped and all is done. The key set stays, as it is then.
///
/// # Cancel safety
///
/// An operation is under way when the method is first polled, and runs to its end from then on, whether or not
/// somebody waits for it. A key that is issued to a caller who has stopped waiting is in the ring, and its token
/// is lost: an [idempotency key](crate::keyring::IdempotencyKey) tells that it is there, and [`revoke`](Self::revoke) ends it.
///
/// ```
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_rotating_auth::{
///     inbound::RequireKeyLayer,
///     keyring::{KeyRing, IssueRequest, MemoryStore, NewKey, RevokeRequest, RotateRequest},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ring = KeyRing::start(MemoryStore::default()).await?;
/// let terms = IssueRequest::new("open-webui".parse()?).or_new_client("chat:write".parse()?);
/// let first = ring.issue(terms).await?.into_new().unwrap();
///
/// // Its token goes to the client, which switches to the second within the hour.
/// let rotate = RotateRequest::with_grace(first.id(), Duration::from_secs(3600));
/// let second = ring.rotate(rotate).await?.into_new().unwrap();
///
/// // In an axum program: `.layer(RotatingAuthLayer::new().require(RequireKeyLayer::new(ring.keys())))`
/// let door = RequireKeyLayer::new(ring.keys()).layer(service_fn(|_: Request<Full<Bytes>>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
/// }));
/// let status = async |key: &NewKey| {
///     let bearer = [b"Bearer ", key.token().expose_secret()].concat();
///     let request = Request::get("/").header("authorization", bearer);
///     let answer = door.clone().oneshot(request.body(Full::default()).unwrap()).await;
///     answer.unwrap().status().as_u16()
/// };
/// assert_eq!((status(&first).await, status(&second).await), (200, 200));
///
/// ring.revoke(RevokeRequest::token(first.token())).await?; // it was found in a public repository
/// assert_eq!((status(&first).await, status(&second).await), (401, 200));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeyRing {
    commands: mpsc::UnboundedSender<Command>,
    keys: Rotating<KeySet>,
    reader: watch::Receiver<KeyRingState>,
    prefix: Prefix,
}

impl KeyRing {
    /// A builder, for everything that has a default.
    pub fn builder() -> KeyRingBuilder {
        KeyRingBuilder::new()
    }

    /// Reads the store and spawns the ring's task on the current tokio runtime.
    ///
    /// A ring without a key is a ring: everybody is refused until one is issued.
    ///
    /// # Errors
    ///
    /// When the store cannot be read, or there is no runtime.
    pub async fn start(store: impl Store) -> Result<Self, KeyRingError> {
        KeyRingBuilder::new().start(store).await
    }

    pub(crate) const fn new(
        commands: mpsc::UnboundedSender<Command>,
        keys: Rotating<KeySet>,
        reader: watch::Receiver<KeyRingState>,
        prefix: Prefix,
    ) -> Self {
        Self {
            commands,
            keys,
            reader,
            prefix,
        }
    }

    /// The key set as it is at each moment, for [`RequireKeyLayer::new`](crate::inbound::RequireKeyLayer::new).
    #[must_use]
    pub fn keys(&self) -> Rotating<KeySet> {
        self.keys.clone()
    }

    /// The time that the ring goes by.
    pub(crate) fn now(&self) -> SystemTime {
        self.keys.wall()
    }

    /// Everything that the ring keeps, as it is now.
    #[must_use]
    pub fn state(&self) -> KeyRingState {
        self.reader.borrow().clone()
    }

    /// What may be shown of the keys: see [`KeyRingState::summaries`].
    #[must_use]
    pub fn list(&self) -> Vec<KeySummary> {
        self.state().summaries(self.keys.wall())
    }

    /// The keys that need an operator: see [`KeyRingState::warnings`].
    #[must_use]
    pub fn warnings(&self) -> Vec<KeyWarning> {
        self.state().warnings(self.keys.wall())
    }

    /// Makes a key for a client. Its token is shown this once, and known to nobody here afterwards.
    ///
    /// # Errors
    ///
    /// When it is not allowed, when it could not be written, when there are no random numbers.
    pub async fn issue(&self, request: IssueRequest) -> Result<Issued, KeyRingError> {
        let key = NewKey::with_prefix(&self.prefix)?;
        let candidate = Candidate::from(&key);
        let made = self.change(move |state, now| state.issue(&request, &candidate, now));
        Ok(match made.await? {
            Made::Now(_) => Issued::Now(key),
            Made::Before(id) => Issued::Before(id),
        })
    }

    /// Takes in a key that a client has already. A key that the client has here is not taken twice.
    ///
    /// # Errors
    ///
    /// When it is not allowed: a key that was imported and revoked does not come back so, nor does one that was made here, for as
    /// long as that is kept ([`IssuancePolicy::purge_after`](crate::keyring::IssuancePolicy::purge_after)). When it could not be written.
    pub async fn import(
        &self,
        request: IssueRequest,
        key: ExternalKey,
    ) -> Result<Imported, KeyRingError> {
        let generated = NewKey::generate()?.id().clone();
        let made = self.change(move |state, now| state.import(&request, &key, &generated, now));
        Ok(match made.await? {
            Made::Now(id) => Imported::Now(id),
            Made::Before(id) => Imported::Before(id),
        })
    }

    /// Replaces a key by a new one that may do the same. There is no instant at which neither works.
    ///
    /// # Errors
    ///
    /// When it is not allowed: a key that has expired or was revoked is not rotated. When it could not be written,
    /// when there are no random numbers.
    pub async fn rotate(&self, request: RotateRequest) -> Result<Rotated, KeyRingError> {
        let key = NewKey::with_prefix(&self.prefix)?;
        let candidate = Candidate::from(&key);
        let made = self.change(move |state, now| state.rotate(&request, &candidate, now));
        Ok(match made.await? {
            Made::Now(rotation) => Rotated::Now { key, rotation },
            Made::Before(id) => Rotated::Before(id),
        })
    }

    /// Revokes keys, for good. Which it were is returned, without those that were revoked before.
    ///
    /// # Errors
    ///
    /// When there is no such key or client. When it could not be written: then the keys are still valid.
    pub async fn revoke(
        &self,
        request: impl Into<RevokeRequest>,
    ) -> Result<Vec<KeyId>, KeyRingError> {
        let request = request.into();
        self.change(move |state, now| state.revoke(&request, now))
            .await
    }

    /// Ends the grace of a key whose successor is valid, before its time.
    ///
    /// # Errors
    ///
    /// When the key has no successor that is valid: its client would be left without one. When it could not be
    /// written.
    pub async fn retire(&self, key: &KeyId) -> Result<(), KeyRingError> {
        let key = key.clone();
        self.change(move |state, now| state.retire(&key, now)).await
    }

    /// Says what a client may do, and makes it where there is none of this name.
    ///
    /// # Errors
    ///
    /// When a key of the client that has not ended was narrowed to what the client may not do any more. When it could not be
    /// written.
    pub async fn set_scopes(&self, client: &ClientId, scopes: Scopes) -> Result<(), KeyRingError> {
        let client = client.clone();
        self.change(move |state, now| state.set_scopes(&client, &scopes, now))
            .await
    }

    /// Refuses the keys of a client, until it is enabled again. They stay what they are.
    ///
    /// # Errors
    ///
    /// When there is no such client. When it could not be written.
    pub async fn disable(&self, client: &ClientId) -> Result<(), KeyRingError> {
        self.set_state(client, ClientState::Disabled).await
    }

    /// Accepts the keys of a client again, each as it stands.
    ///
    /// # Errors
    ///
    /// When there is no such client. When it could not be written.
    pub async fn enable(&self, client: &ClientId) -> Result<(), KeyRingError> {
        self.set_state(client, ClientState::Enabled).await
    }

    /// Forgets the keys that ended by themselves so long ago that it does not matter any more; see
    /// [`IssuancePolicy::purge_after`](crate::keyring::IssuancePolicy::purge_after). Which it were is returned.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub async fn purge(&self) -> Result<Vec<KeyId>, KeyRingError> {
        self.change(KeyRingState::purge).await
    }

    /// Takes in what other processes have written to the store.
    ///
    /// What ended here stays ended, whatever the store says: where it has forgotten that, it is put right.
    ///
    /// # Errors
    ///
    /// When the store cannot be read, or has gone back to an older state.
    pub async fn reload(&self) -> Result<(), KeyRingError> {
        self.ask(Command::Reload).await
    }

    async fn set_state(&self, client: &ClientId, state: ClientState) -> Result<(), KeyRingError> {
        let client = client.clone();
        self.change(move |ring, _| ring.set_state(&client, state))
            .await
    }

    async fn change<T, F>(&self, decide: F) -> Result<T, KeyRingError>
    where
        F: FnMut(&KeyRingState, SystemTime) -> Decided<T> + Send + 'static,
        T: Send + 'static,
    {
        self.ask(|reply| Command::Change(Box::new(Pending::new(decide, reply))))
            .await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, KeyRingError> {
        let (reply, outcome) = oneshot::channel();
        self.commands
            .send(command(reply))
            .map_err(|_| KeyRingError::stopped())?;
        outcome.await.unwrap_or(Err(KeyRingError::stopped()))
    }
}

impl From<&NewKey> for Candidate {
    fn from(key: &NewKey) -> Self {
        Self {
            id: key.id().clone(),
            digest: key.digest(),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.keys)
            .field("state", &*self.reader.borrow())
            .finish_non_exhaustive()
    }
}

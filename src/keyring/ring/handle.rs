//! The handle of a key ring, which the rest of a program holds.

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
use crate::keyring::state::{ClientState, KeyEntry, KeyRingState, KeySummary, KeyWarning};
use crate::keyring::store::Store;
use crate::keyring::token::{NewKey, Prefix};
use crate::rotating::Rotating;

/// A set of keys that are issued, rotated and revoked while a service runs.
///
/// A ring publishes the key set that a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) reads.
/// It decides each operation, writes it to the [`Store`], and publishes it, in that order. When a
/// method returns, its change is in force: no later request is judged by the old keys, in any clone
/// of any layer. When it fails, nothing has changed, unless the error has the kind
/// [`KeyRingErrorKind::Unknown`](crate::keyring::KeyRingErrorKind::Unknown).
///
/// Another process may write to the same store, for example a tool that revokes a key. The ring
/// reads such changes at the next operation, on [`reload`](Self::reload), and as often as
/// [`sync_every`](KeyRingBuilder::sync_every) says. Set `sync_every` in a service that others write
/// for: until then it accepts a key that they have revoked.
///
/// Clones are cheap and share the ring. One task runs the operations one after the other. It ends
/// when the last clone is dropped and all operations are done; the key set then stays as it is.
///
/// See the [module page](crate::keyring) for an example in short.
///
/// # Examples
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
/// let request = IssueRequest::new("open-webui".parse()?).or_new_client("chat:write".parse()?);
/// let first = ring.issue(request).await?.into_new().unwrap();
///
/// // The client switches to the second key within the hour.
/// let rotate = RotateRequest::with_grace(first.id(), Duration::from_secs(3600));
/// let second = ring.rotate(rotate).await?.into_new().unwrap();
///
/// // In an axum program:
/// // `.layer(RotatingAuthLayer::new().require(RequireKeyLayer::new(ring.keys())))`
/// let service = RequireKeyLayer::new(ring.keys()).layer(service_fn(|_: Request<_>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
/// }));
/// let status = async |key: &NewKey| {
///     let bearer = [b"Bearer ", key.token().expose_secret()].concat();
///     let request = Request::get("/").header("authorization", bearer);
///     let answer = service.clone().oneshot(request.body(Full::<Bytes>::default()).unwrap()).await;
///     answer.unwrap().status().as_u16()
/// };
/// assert_eq!((status(&first).await, status(&second).await), (200, 200));
///
/// ring.revoke(RevokeRequest::token(first.token())).await?; // found in a public repository
/// assert_eq!((status(&first).await, status(&second).await), (401, 200));
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// An operation is queued when its method is first polled, and then runs to its end, even if nobody
/// waits for it. If the caller stops waiting, an issued key is in the ring, but its token is lost.
/// An [idempotency key](crate::keyring::IdempotencyKey) shows that the key exists, and
/// [`revoke`](Self::revoke) ends it.
#[derive(Clone)]
pub struct KeyRing {
    commands: mpsc::UnboundedSender<Command>,
    keys: Rotating<KeySet>,
    reader: watch::Receiver<KeyRingState>,
    prefix: Prefix,
}

impl KeyRing {
    /// Returns a builder with the defaults.
    pub fn builder() -> KeyRingBuilder {
        KeyRingBuilder::new()
    }

    /// Starts a ring with the defaults: reads the store, and spawns the task on the current tokio
    /// runtime.
    ///
    /// A ring may start without a key. It then refuses everybody until one is issued.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Store`](crate::keyring::KeyRingErrorKind::Store) if the store
    /// cannot be read, and [`NoRuntime`](crate::keyring::KeyRingErrorKind::NoRuntime) outside a
    /// tokio runtime.
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

    /// Returns the current key set, for
    /// [`RequireKeyLayer::new`](crate::inbound::RequireKeyLayer::new).
    #[must_use]
    pub fn keys(&self) -> Rotating<KeySet> {
        self.keys.clone()
    }

    /// Returns the time of the clock that the ring uses.
    pub(crate) fn now(&self) -> SystemTime {
        self.keys.wall()
    }

    /// Returns the current clients and keys.
    #[must_use]
    pub fn state(&self) -> KeyRingState {
        self.reader.borrow().clone()
    }

    /// Returns a summary of each key; see [`KeyRingState::summaries`].
    #[must_use]
    pub fn list(&self) -> Vec<KeySummary> {
        self.state().summaries(self.keys.wall())
    }

    /// Returns the keys that need an operator; see [`KeyRingState::warnings`].
    #[must_use]
    pub fn warnings(&self) -> Vec<KeyWarning> {
        self.state().warnings(self.keys.wall())
    }

    /// Issues a key to a client. The token is returned once; the ring keeps only its digest.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if the
    /// policy or the state forbids the key, and
    /// [`NoRandomness`](crate::keyring::KeyRingErrorKind::NoRandomness) if no key can be made. The
    /// kind is [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written. If the store may hold the key all the same, [`KeyRingError::key_id`] names it.
    pub async fn issue(&self, request: IssueRequest) -> Result<Issued, KeyRingError> {
        let key = NewKey::with_prefix(&self.prefix).map_err(KeyRingError::no_randomness)?;
        let candidate = Candidate::from(&key);
        let made = self.change(move |state, now| state.issue(&request, &candidate, now));
        let made = made.await.map_err(|error| error.of_new_key(key.id()));
        Ok(match made? {
            Made::Now(_) => Issued::Now(key),
            Made::Before(id) => Issued::Before(id),
        })
    }

    /// Adds a key that a client already has. If the client has the key here already, returns that
    /// one.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if the
    /// policy or the state forbids the key. That includes a key that was imported and revoked, and
    /// an issued key until it is [purged](crate::keyring::IssuancePolicy::purge_after). The kind is
    /// [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written.
    pub async fn import(
        &self,
        request: IssueRequest,
        key: ExternalKey,
    ) -> Result<Imported, KeyRingError> {
        let generated = NewKey::generate().map_err(KeyRingError::no_randomness)?;
        let generated = generated.id().clone();
        let id = key.id.clone().unwrap_or_else(|| generated.clone());
        let made = self.change(move |state, now| state.import(&request, &key, &generated, now));
        let made = made.await.map_err(|error| error.of_new_key(&id));
        Ok(match made? {
            Made::Now(id) => Imported::Now(id),
            Made::Before(id) => Imported::Before(id),
        })
    }

    /// Replaces a key with a new one that has the same scopes. The client has a valid key at every
    /// instant.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if the
    /// key has expired, was revoked or already has a successor, and
    /// [`NoRandomness`](crate::keyring::KeyRingErrorKind::NoRandomness) if no key can be made. The
    /// kind is [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written. If the store may hold the key all the same, [`KeyRingError::key_id`] names it.
    pub async fn rotate(&self, request: RotateRequest) -> Result<Rotated, KeyRingError> {
        let key = NewKey::with_prefix(&self.prefix).map_err(KeyRingError::no_randomness)?;
        let candidate = Candidate::from(&key);
        let made = self.change(move |state, now| state.rotate(&request, &candidate, now));
        let made = made.await.map_err(|error| error.of_new_key(key.id()));
        Ok(match made? {
            Made::Now(rotation) => Rotated::Now { key, rotation },
            Made::Before(id) => Rotated::Before(id),
        })
    }

    /// Revokes keys for good. Returns the ids of those that were not revoked before.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if
    /// there is no such key or client. The kind is
    /// [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written. The keys then stay valid.
    pub async fn revoke(
        &self,
        request: impl Into<RevokeRequest>,
    ) -> Result<Vec<KeyId>, KeyRingError> {
        let request = request.into();
        self.change(move |state, now| state.revoke(&request, now))
            .await
    }

    /// Ends the grace of a key early, once its successor is valid.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if the
    /// key has no valid successor: its client would be left without a key. The kind is
    /// [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written.
    pub async fn retire(&self, key: &KeyId) -> Result<(), KeyRingError> {
        let key = key.clone();
        self.change(move |state, now| state.retire(&key, now)).await
    }

    /// Sets the scopes of a client. Creates the client if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if an
    /// active key of this client has a scope outside `scopes`. The kind is
    /// [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written.
    pub async fn set_scopes(&self, client: &ClientId, scopes: Scopes) -> Result<(), KeyRingError> {
        let client = client.clone();
        self.change(move |state, now| state.set_scopes(&client, &scopes, now))
            .await
    }

    /// Refuses all keys of a client until it is enabled again. The keys stay as they are.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if
    /// there is no such client. The kind is [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written.
    pub async fn disable(&self, client: &ClientId) -> Result<(), KeyRingError> {
        self.set_state(client, ClientState::Disabled).await
    }

    /// Accepts the keys of a disabled client again, each as it is.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if
    /// there is no such client. The kind is [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written.
    pub async fn enable(&self, client: &ClientId) -> Result<(), KeyRingError> {
        self.set_state(client, ClientState::Enabled).await
    }

    /// Removes the keys that ended long enough ago, and returns their ids; see
    /// [`IssuancePolicy::purge_after`](crate::keyring::IssuancePolicy::purge_after).
    ///
    /// # Errors
    ///
    /// The kind is [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written.
    pub async fn purge(&self) -> Result<Vec<KeyId>, KeyRingError> {
        self.change(KeyRingState::purge).await
    }

    /// Removes a key whose token nobody has.
    pub(crate) async fn discard(&self, key: &KeyId) -> Result<(), KeyRingError> {
        let key = key.clone();
        self.change(move |state, _| state.discard(&key)).await
    }

    /// Purges those of the keys for which `is_meant` returns `true`.
    pub(crate) async fn purge_if(
        &self,
        is_meant: impl Fn(&KeyEntry) -> bool + Send + 'static,
    ) -> Result<Vec<KeyId>, KeyRingError> {
        self.change(move |state, now| state.purge_if(&is_meant, now))
            .await
    }

    /// Reads the changes that other processes have written to the store.
    ///
    /// A key that ended here stays ended, whatever the store says. If the store has lost such an
    /// end, the ring writes it again.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Store`](crate::keyring::KeyRingErrorKind::Store) if the store
    /// cannot be read or corrected, [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if
    /// it has gone back to a lower serial, and
    /// [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if its content is invalid.
    pub async fn reload(&self) -> Result<(), KeyRingError> {
        self.ask(Command::Reload).await
    }

    async fn set_state(&self, client: &ClientId, state: ClientState) -> Result<(), KeyRingError> {
        let client = client.clone();
        self.change(move |ring, _| ring.set_state(&client, state))
            .await
    }

    pub(super) async fn change<T, F>(&self, decide: F) -> Result<T, KeyRingError>
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

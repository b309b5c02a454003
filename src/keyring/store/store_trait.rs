//! The trait of a store, and what it writes.

use std::future::Future;

use super::error::StoreError;
use crate::keyring::state::{Change, KeyRingState};

/// A place that keeps the state of a key ring: a file, a database, memory.
///
/// A key ring calls its store from one task, never twice at the same time. Several rings in several
/// processes may write to one store. A commit names the serial that it is based on, and a store
/// refuses one that comes too late with
/// [`StoreErrorKind::Conflict`](crate::keyring::StoreErrorKind::Conflict). The ring then loads,
/// decides again, and commits again.
///
/// # Examples
///
/// Implement it with `async fn`:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use tower_rotating_auth::keyring::{
///     Commit, IssueRequest, KeyRing, KeyRingState, Store, StoreError,
/// };
///
/// #[derive(Clone)]
/// struct SharedState(Arc<Mutex<KeyRingState>>);
///
/// impl Store for SharedState {
///     async fn load(&mut self) -> Result<KeyRingState, StoreError> {
///         let state = self.0.lock().map_err(|_| StoreError::new("the store is broken"))?;
///         Ok(state.clone())
///     }
///
///     async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
///         let mut state = self.0.lock().map_err(|_| StoreError::new("the store is broken"))?;
///         if state.serial() != commit.base.serial() {
///             return Err(StoreError::conflict());
///         }
///         *state = commit.next.clone();
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = SharedState(Arc::new(Mutex::new(KeyRingState::empty())));
/// let ring = KeyRing::start(store.clone()).await?;
/// ring.issue(IssueRequest::new("open-webui".parse()?).or_new_client("".parse()?)).await?;
/// assert_eq!(store.0.lock().unwrap().keys().count(), 1);
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + 'static {
    /// Reads the state. If there is none yet, returns [`KeyRingState::empty`].
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`StoreErrorKind::Failed`](crate::keyring::StoreErrorKind::Failed)
    /// if the state cannot be read. Never return an empty state for one that cannot be read.
    fn load(&mut self) -> impl Future<Output = Result<KeyRingState, StoreError>> + Send;

    /// Writes a change, whole or not at all, so that it survives a crash. The store must be at the
    /// serial of [`Commit::base`], and nobody may write between that check and the write.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    /// [`StoreErrorKind::Conflict`](crate::keyring::StoreErrorKind::Conflict) if the store is at
    /// another serial, and [`StoreErrorKind::Failed`](crate::keyring::StoreErrorKind::Failed) if it
    /// could not write, or does not know whether it has. The ring then loads the state to find out.
    /// A loaded state counts as written: a store that cannot tell whether its content survives a
    /// crash must make sure of that first, or refuse to load.
    ///
    /// # Cancel safety
    ///
    /// The ring runs the future to its end even if its caller has stopped waiting. It drops the
    /// future after [`store_timeout`](crate::keyring::KeyRingBuilder::store_timeout). A later
    /// [`load`](Self::load) finds what is written after that.
    fn commit(&mut self, commit: Commit<'_>)
    -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A change to write to a [`Store`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Commit<'a> {
    /// The state that was changed. The store must still be at its serial.
    pub base: &'a KeyRingState,
    /// The change, for stores that write rows.
    pub change: &'a Change,
    /// The whole state afterwards, at the next serial, for stores that write all of it.
    pub next: &'a KeyRingState,
}

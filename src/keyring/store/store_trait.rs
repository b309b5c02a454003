//! Where a state is kept.

use std::future::Future;

use super::error::StoreError;
use crate::keyring::state::{Change, KeyRingState};

/// Where a state is kept: a file, a database, memory.
///
/// A key ring asks its store from one task, never twice at a time. Several rings, in several processes, may
/// write to one store: a commit says on which serial it is based, and one that comes too late is
/// answered by [`StoreErrorKind::Conflict`](crate::keyring::StoreErrorKind::Conflict). The ring then loads, decides again, and commits again.
///
/// Implement it with `async fn`:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use tower_rotating_auth::keyring::{Commit, KeyRing, IssueRequest, KeyRingState, Store, StoreError};
///
/// #[derive(Clone)]
/// struct Shelf(Arc<Mutex<KeyRingState>>);
///
/// impl Store for Shelf {
///     async fn load(&mut self) -> Result<KeyRingState, StoreError> {
///         let state = self.0.lock().map_err(|_| StoreError::new("the shelf is broken"))?;
///         Ok(state.clone())
///     }
///
///     async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
///         let mut state = self.0.lock().map_err(|_| StoreError::new("the shelf is broken"))?;
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
/// let shelf = Shelf(Arc::new(Mutex::new(KeyRingState::empty())));
/// let ring = KeyRing::start(shelf.clone()).await?;
/// ring.issue(IssueRequest::new("open-webui".parse()?).or_new_client("".parse()?)).await?;
/// assert_eq!(shelf.0.lock().unwrap().keys().count(), 1);
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + 'static {
    /// Reads the state; where there is none yet, it is [`KeyRingState::empty`].
    ///
    /// # Errors
    ///
    /// When it cannot be read. What cannot be read must not be taken for an empty state.
    fn load(&mut self) -> impl Future<Output = Result<KeyRingState, StoreError>> + Send;

    /// Writes a change, whole or not at all, so that it is still there after a crash. The store must hold
    /// the serial that [`Commit::base`] has, and nobody may write between the look at it and the write.
    ///
    /// It is run to its end, also where the caller of the ring has stopped waiting, but is dropped when
    /// [`store_timeout`](crate::keyring::KeyRingBuilder::store_timeout) is over. What it writes after that is found later.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Conflict`](crate::keyring::StoreErrorKind::Conflict) when the store is at another serial. [`StoreErrorKind::Failed`](crate::keyring::StoreErrorKind::Failed) when it could not be
    /// written, or may or may not have been: the ring looks again before it says which. What is loaded then counts as written,
    /// so that a store that does not know whether it is there after a crash sees to that first, or does not load it.
    fn commit(&mut self, commit: Commit<'_>)
    -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What a [`Store`] is asked to write.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Commit<'a> {
    /// The state that was changed: the store must still be at its serial.
    pub base: &'a KeyRingState,
    /// What changed, for stores that write rows.
    pub change: &'a Change,
    /// The whole state afterwards, under the next serial, for stores that write all of it.
    pub next: &'a KeyRingState,
}

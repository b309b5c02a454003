//! A store that forgets.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::store_trait::{Commit, CommitError, Store, StoreError};
use crate::keyring::state::KeyRingState;

/// Keeps a ledger in memory: for tests, and for programs whose keys end with them.
///
/// Clones keep the same ledger, so that two rings can be two writers.
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Mutex<KeyRingState>>);

impl MemoryStore {
    /// A store with this ledger in it.
    #[must_use]
    pub fn new(ledger: KeyRingState) -> Self {
        Self(Arc::new(Mutex::new(ledger)))
    }

    /// The ledger as it is now.
    #[must_use]
    pub fn ledger(&self) -> KeyRingState {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, KeyRingState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(KeyRingState::empty())
    }
}

impl Store for MemoryStore {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        Ok(self.ledger())
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), CommitError> {
        let mut ledger = self.lock();
        if ledger.generation() != commit.base.generation() {
            return Err(CommitError::Stale);
        }
        ledger.clone_from(commit.next);
        Ok(())
    }
}

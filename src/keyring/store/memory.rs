//! A store in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::StoreError;
use super::traits::{Commit, Store};
use crate::keyring::state::KeyRingState;

/// A store in memory, for tests and for programs whose keys end with them.
///
/// Clones share one state, so that two rings can write to it.
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Mutex<KeyRingState>>);

impl MemoryStore {
    /// Creates a store that holds `state`.
    #[must_use]
    pub fn new(state: KeyRingState) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    /// Returns the current state.
    #[must_use]
    pub fn state(&self) -> KeyRingState {
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
        Ok(self.state())
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.serial() != commit.base.serial() {
            return Err(StoreError::conflict());
        }
        state.clone_from(commit.next);
        Ok(())
    }
}

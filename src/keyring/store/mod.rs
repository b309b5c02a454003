//! Where the state of a key ring is kept.

mod memory;
mod store;

pub use self::memory::MemoryStore;
pub use self::store::{Commit, CommitError, Store, StoreError};

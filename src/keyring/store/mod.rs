//! Where the state of a key ring is kept.

mod memory;
mod store_trait;

pub use self::memory::MemoryStore;
pub use self::store_trait::{Commit, CommitError, Store, StoreError};

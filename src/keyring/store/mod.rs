//! Stores, which keep the state of a key ring.

mod error;
mod memory;
mod store_trait;

pub use self::error::{StoreError, StoreErrorKind};
pub use self::memory::MemoryStore;
pub use self::store_trait::{Commit, Store};

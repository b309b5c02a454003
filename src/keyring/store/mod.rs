//! Stores, which keep the state of a key ring.

mod error;
mod memory;
mod traits;

pub use self::error::{StoreError, StoreErrorKind};
pub use self::memory::MemoryStore;
pub use self::traits::{Commit, Store};

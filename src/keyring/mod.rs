//! The life of a key.

#[cfg(feature = "file")]
mod file_store;
mod ledger;
mod memory_store;
mod store;
mod token;

#[cfg(feature = "file")]
pub use self::file_store::FileStore;
pub use self::ledger::{Change, ClientEntry, ClientState, InvalidLedger, KeyEntry, Ledger};
pub use self::memory_store::MemoryStore;
pub use self::store::{Commit, CommitError, Store, StoreError};
pub use self::token::{InvalidPrefix, NewKey, NoRandomness, ParsedToken, Prefix, UnparsedToken};

//! The life of a key.

mod imported;
mod ledger;
mod memory_store;
mod store;
mod token;

pub use self::imported::ImportedKey;
pub use self::ledger::{
    Change, ClientEntry, ClientState, IdempotencyKey, InvalidIdempotencyKey, InvalidLedger,
    KeyEntry, Ledger, Provenance,
};
pub use self::memory_store::MemoryStore;
pub use self::store::{Commit, CommitError, Store, StoreError};
pub use self::token::{InvalidPrefix, NewKey, NoRandomness, ParsedToken, Prefix, UnparsedToken};

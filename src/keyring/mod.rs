//! The life of a key.

mod decide;
mod ledger;
mod memory_store;
mod policy;
mod ring;
mod store;
mod token;

pub use self::decide::{ForeignKey, KeyTerms, NotAllowed, Revoke, Rotate, Rotation, WhichKey};
pub use self::ledger::{
    Ageing, Change, ClientEntry, ClientState, IdempotencyKey, InvalidIdempotencyKey, InvalidLedger,
    KeyEntry, KeyState, KeySummary, KeyWarning, Ledger, OlderLedger, Provenance,
};
pub use self::memory_store::MemoryStore;
pub use self::policy::{KeyPolicy, MaxAge};
pub use self::ring::{Issued, KeyRing, KeyRingBuilder, NotChanged, NotStarted, Rotated};
pub use self::store::{Commit, CommitError, Store, StoreError};
pub use self::token::{NewKey, NoRandomness};

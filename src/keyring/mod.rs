//! The life of a key.

mod decide;
#[cfg(feature = "file")]
mod file_store;
mod ledger;
mod memory_store;
mod policy;
mod ring;
mod rotator;
mod store;
mod token;
#[cfg(feature = "file")]
mod use_file;

pub use self::decide::{ForeignKey, KeyTerms, NotAllowed, Revoke, Rotate, Rotation, WhichKey};
#[cfg(feature = "file")]
pub use self::file_store::FileStore;
pub use self::ledger::{
    Ageing, Change, ClientEntry, ClientState, InvalidLedger, KeyEntry, KeyState, KeySummary,
    KeyWarning, Ledger, OlderLedger,
};
pub use self::memory_store::MemoryStore;
pub use self::policy::{KeyPolicy, MaxAge};
pub use self::ring::{Imported, Issued, KeyRing, KeyRingBuilder, NotChanged, NotStarted, Rotated};
#[cfg(feature = "file")]
pub use self::rotator::FileSink;
pub use self::rotator::{NotRotated, Rotator, Sink, SinkError, SinkFn, sink_fn};
pub use self::store::{Commit, CommitError, Store, StoreError};
pub use self::token::{InvalidPrefix, NewKey, NoRandomness, ParsedToken, Prefix, UnparsedToken};
#[cfg(feature = "file")]
pub use self::use_file::{UseFile, Uses};

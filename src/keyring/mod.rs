//! The life of a key.

mod decide;
#[cfg(feature = "file")]
mod file_store;
mod issuance_policy;
mod request;
mod ring;
mod rotator;
mod state;
mod store;
mod token;
#[cfg(feature = "file")]
mod use_file;

pub use self::decide::{ExternalKey, NotAllowed, RevokeRequest, RotateRequest, Rotation};
#[cfg(feature = "file")]
pub use self::file_store::FileStore;
pub use self::issuance_policy::{IssuancePolicy, MaxAge};
pub use self::request::{IssueRequest, KeySelector};
pub use self::ring::{
    Imported, Issued, KeyRing, KeyRingBuilder, KeyRingError, KeyRingStartError, Rotated,
};
#[cfg(feature = "file")]
pub use self::rotator::FileSink;
pub use self::rotator::{Rotator, RotatorError, Sink, SinkError, SinkFn, sink_fn};
pub use self::state::{
    Ageing, Change, ClientEntry, ClientState, InvalidKeyRingState, KeyEntry, KeyRingState,
    KeySummary, KeyWarning, OlderKeyRingState,
};
pub use self::store::{Commit, CommitError, MemoryStore, Store, StoreError};
pub use self::token::{InvalidPrefix, NewKey, NoRandomness, ParsedToken, Prefix, UnparsedToken};
#[cfg(feature = "file")]
pub use self::use_file::{UseFile, Uses};
pub use crate::idempotency::IdempotencyKey;

//! The life of a key.

mod decide;
#[cfg(all(feature = "file", feature = "key-file"))]
mod file_store;
mod issuance_policy;
mod request;
mod ring;
mod rotator;
mod state;
mod store;
mod token;
#[cfg(all(feature = "file", feature = "key-file"))]
mod use_file;

pub use self::decide::{NotAllowed, Rotation};
#[cfg(all(feature = "file", feature = "key-file"))]
pub use self::file_store::FileStore;
pub use self::issuance_policy::{IssuancePolicy, MaxAge};
pub use self::request::{ExternalKey, IssueRequest, KeySelector, RevokeRequest, RotateRequest};
pub use self::ring::{
    Imported, Issued, KeyRing, KeyRingBuilder, KeyRingError, KeyRingErrorKind, Rotated,
};
#[cfg(all(feature = "file", feature = "key-file"))]
pub use self::rotator::FileSink;
pub use self::rotator::{
    Rotator, RotatorError, RotatorErrorKind, Sink, SinkError, SinkErrorKind, SinkFn, sink_fn,
};
pub use self::state::{
    Ageing, Change, ClientEntry, ClientState, InvalidKeyRingState, InvalidKeyRingStateKind,
    KeyEntry, KeyRingState, KeySummary, KeyWarning,
};
pub use self::store::{Commit, MemoryStore, Store, StoreError, StoreErrorKind};
pub use self::token::{NewKey, ParsedToken, Prefix, TokenError, TokenErrorKind};
#[cfg(all(feature = "file", feature = "key-file"))]
pub use self::use_file::{UseFile, Uses};
pub use crate::idempotency::IdempotencyKey;

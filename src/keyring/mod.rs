//! Keys for clients: issue, rotate and revoke them while a service runs.
//!
//! A [`KeyRing`] publishes the key set that a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer)
//! reads, and keeps its [state](KeyRingState) in a [`Store`]: a key file with `FileStore`, memory
//! with [`MemoryStore`], or a database of your own. A [`Rotator`] rotates keys on a schedule and
//! delivers the new ones to a [`Sink`]. An [`IssuancePolicy`] sets the limits.
//!
//! # Examples
//!
//! Issue a key, rotate it with an hour of grace, and revoke it:
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use tower_rotating_auth::inbound::verify_at;
//! use tower_rotating_auth::keyring::{IssueRequest, KeyRing, MemoryStore, NewKey, RotateRequest};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ring = KeyRing::start(MemoryStore::default()).await?;
//! let is_valid = |key: &NewKey| {
//!     let keys = ring.keys().current();
//!     verify_at(&keys, key.token().expose_secret(), SystemTime::now()).is_ok()
//! };
//!
//! let request = IssueRequest::new("open-webui".parse()?).or_new_client("chat:write".parse()?);
//! let first = ring.issue(request).await?.into_new().expect("no idempotency key");
//!
//! let request = RotateRequest::with_grace(first.id(), Duration::from_secs(3600));
//! let second = ring.rotate(request).await?.into_new().expect("no idempotency key");
//! assert!(is_valid(&first) && is_valid(&second));
//!
//! ring.revoke(first.id()).await?;
//! assert!(!is_valid(&first) && is_valid(&second));
//! # Ok(())
//! # }
//! ```
//!
//! # Grace
//!
//! A rotated key stays valid for its *grace*, so that its client can switch to the new key without
//! a gap. [`IssuancePolicy::max_grace`] limits it. Do not confuse it with the *overlap* of
//! [`outbound`](crate::outbound): how long an upstream still accepts the previous credential.
//!
//! # Caveats
//!
//! - A store keeps digests only. A token that is lost cannot be shown again: rotate the key.
//! - A revocation by another process takes effect when the ring reads its store. Set
//!   [`sync_every`](KeyRingBuilder::sync_every) in a service that others write for.
//! - A ring refuses a store at a lower *serial*: an older copy could bring a revoked key back.
//! - An error of kind [`KeyRingErrorKind::Unknown`] does not say whether the change was written.
//!   List the keys before you try again, or use an [`IdempotencyKey`].
//! - A key without an end is kept forever, even after it was revoked; see
//!   [`IssuancePolicy::purge_after`].

mod decide;
mod event;
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
pub use self::event::{Event, EventKind};
#[cfg(all(feature = "file", feature = "key-file"))]
pub use self::file_store::{FileFinding, FileFindingKind, FileStore};
pub use self::issuance_policy::{IssuancePolicy, MaxAge};
pub use self::request::{ExternalKey, IssueRequest, KeySelector, RevokeRequest, RotateRequest};
pub use self::ring::{
    Imported, Issued, KeyRing, KeyRingBuilder, KeyRingError, KeyRingErrorKind, Rotated,
};
#[cfg(all(feature = "file", feature = "key-file"))]
pub use self::rotator::FileSink;
pub use self::rotator::{Rotator, RotatorError, RotatorErrorKind, Sink, SinkFn, sink_fn};
pub use self::state::{
    Ageing, Change, ClientEntry, ClientState, KeyEntry, KeyRingState, KeySummary, KeyWarning,
};
pub use self::store::{Commit, MemoryStore, Store, StoreError, StoreErrorKind};
pub use self::token::{NewKey, ParsedToken, Prefix};
#[cfg(all(feature = "file", feature = "key-file"))]
pub use self::use_file::{UseFile, Uses};
pub use crate::idempotency::IdempotencyKey;

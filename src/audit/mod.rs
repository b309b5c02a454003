//! Audit: who used which key, who was refused, and when each key changed.
//!
//! [`AuditEvent`] is one type for the events of both halves and of key rings. [`AuditLog`] collects
//! them: give [`AuditLog::observer`] to each layer, credential, key set and key ring. It hands them
//! to a subscriber on a thread of its own, such as [`AuditFile`], which writes a file of JSON
//! lines.
//!
//! No request waits for it. While 4096 events wait, further ones are dropped and counted, and the
//! next event that the subscriber gets says how many.
//!
//! # Examples
//!
//! ```
//! use tower_rotating_auth::audit::{AuditLog, AuditFile};
//! # #[cfg(all(feature = "inbound", feature = "outbound"))] {
//! use tower_rotating_auth::{
//!     Rotating, Secret,
//!     inbound::{KeySet, RequireKeyLayer},
//!     outbound::{Credential, RotatingCredential},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("audit.jsonl");
//! let audit = AuditLog::new(AuditFile::open(path)?.subscriber());
//! let (keys, _publisher) = Rotating::manual(KeySet::empty());
//! let layer = RequireKeyLayer::new(keys).observer(audit.observer());
//!
//! let credential = Credential::bearer(&Secret::from("sk-1"))?;
//! let builder = RotatingCredential::builder().name("openai").observer(audit.observer());
//! let (key, _publisher) = builder.manual(credential);
//! # drop((layer, key));
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```
//!
//! # Events
//!
//! | [`event`](AuditAction) | what happened | fields, beside `time` and `name` |
//! |---|---|---|
//! | `rotated` | a key, or a key set, changed | `generation`, `reason` (why the source was asked) |
//! | `refresh_failed` | a source failed; the last value stays | `reason`, `count` (failures in a row) |
//! | `in_use` | the upstream accepted a generation for the first time | `generation`, `method`, `route`, `peer`, `request_id` |
//! | `never_accepted` | the upstream did not accept a generation in time | `generation` |
//! | `replayed` | a rejected request was sent again, with a newer key | `attempts`, `reason` (the first rejection: `rejected` or `not_active`), `generation`, `method`, `route`, `peer`, `request_id` |
//! | `fell_back` | a rejected request was sent again, with an older key | as `replayed` |
//! | `not_answered` | a caller got no answer after a rejection | `reason` (`failed` or `cancelled`), and as `replayed` |
//! | `rejected` | a caller got the upstream's rejection | `reason` (why it was not sent once more), and as `replayed` |
//! | `used` | a client used a key: at most one a minute for each key | `client`, `key_id`, `reason`, `generation`, `expires`, `method`, `route`, `peer`, `client_ip`, `request_id` |
//! | `refused` | a request was refused | as `used`, without `expires` |
//! | `not_reported` | further events like this had no line of their own | `of`, `reason`, `count` |
//! | `published` | a key ring published its keys | `generation` |
//! | `key_issued`, `key_imported`, `key_rotated`, `key_revoked`, `key_retired` | a key ring changed a key | `client`, `key_id`, `replaces` |
//! | `keys_purged` | a key ring removed keys that had ended | `count` |
//! | `client_added`, `client_enabled`, `client_disabled`, `client_changed` | a key ring changed a client | `client` |
//! | `reload_failed` | a key ring could not read its store | `reason` |
//! | `configuration_loaded` | a program applied a configuration | `reason` (why it was read), `generation` |
//! | `configuration_rejected` | a program did not apply a configuration, or a field of it | `reason` (why not), `field`, `line`, `generation` |
//! | `dropped` | the subscriber was too slow | `count` |
//!
//! The `reason` of `used` is `in_grace` if a rotation has replaced the key: its client still has to
//! switch, until `expires`. The words are stable.
//!
//! # Caveats
//!
//! - Refusals, replays and rejections have ten lines a second for each reason, after a burst of
//!   twenty. The counts of `not_reported` make up for the others, so that sums are exact.
//! - `method`, `route` and `request_id` are what the client sent. `route` is the router's template
//!   if there is one. Lines are ASCII, so that no text of a client can look like another line.
//! - Of a request to an upstream, `peer` is the upstream's host and port, and `route` the URL of the
//!   [`Route`](crate::outbound::Route) that has the key, or the origin of the request if the key is
//!   for any. Neither has a query, nor the path of the request.
//! - `time` is that of the wall clock, in UTC.

mod action;
#[cfg(any(feature = "inbound", feature = "outbound"))]
mod convert;
mod event;
mod file;
mod line;
mod log;
mod queue;
mod roll;

pub use self::action::AuditAction;
pub use self::event::{AuditAttempt, AuditEvent};
pub use self::file::{AuditFile, AuditFileBuilder, AuditFileError, AuditFileErrorKind};
pub use self::log::{AuditEnded, AuditLog};

//! The inbound half: only callers with a valid key, from a set that can change at any moment.
//!
//! A request is judged once, from its head: the policy of its route, the one token that it presents, the
//! key set that is current, the time. Then every place that a token may stand in is emptied, and a
//! principal put into the extensions.

#[cfg(feature = "axum")]
mod axum;
mod basic;
mod challenge;
mod decode;
mod digest;
mod extract;
mod format;
mod future;
mod gate;
mod guarded_body;
mod id;
mod idempotency;
#[cfg(feature = "file")]
mod key_file;
mod key_list;
mod key_set;
mod key_text;
mod last_use;
mod original_uri;
mod policy;
mod principal;
mod provenance;
mod query;
mod record;
mod refusal;
mod refuser;
mod require;
mod scope;
mod service;
mod slot;
mod strip;
mod token;
mod unfit;
mod verify;
mod watchman;
mod websocket;
mod well_known;

#[cfg(feature = "axum")]
pub use self::axum::Auth;
pub use self::challenge::InvalidChallenge;
pub use self::digest::{InvalidDigest, KeyDigest};
pub use self::format::Format;
pub use self::future::GuardedFuture;
pub use self::guarded_body::{GuardedBody, KeyEnded};
pub use self::id::{ClientId, InvalidId, KeyId};
pub use self::idempotency::{IdempotencyKey, InvalidIdempotencyKey};
#[cfg(feature = "file")]
pub use self::key_file::InvalidKeyFile;
#[cfg(feature = "file")]
pub(crate) use self::key_file::{FileClient, FileKey, KeyFile, Unwritable};
pub use self::key_list::InvalidKeyList;
pub use self::key_set::{InvalidKeySet, KeySet, UnfitKeySet};
pub use self::key_text::{InvalidKeyText, OlderKeySet};
pub use self::policy::{
    Access, Audit, AuditError, AuditedRoute, Decision, InvalidPolicy, Policies, PolicyEntry, Why,
};
pub use self::principal::{Anonymous, Ended, KeyPrincipal, Principal};
pub use self::provenance::Provenance;
pub use self::record::{KeyRecord, Standing};
pub use self::refusal::Refusal;
pub use self::refuser::Refuser;
pub use self::require::{DangerouslyOpen, NotLoopback, RequireKey};
pub use self::scope::{InvalidScope, Scope, Scopes};
pub use self::service::Required;
pub use self::slot::{InvalidSlots, Slot, Slots};
pub use self::token::Token;
pub use self::unfit::UnfitKey;
pub use self::verify::{InvalidToken, verify_at};

//! The inbound half: only callers with a valid key, from a set that can change at any moment.
//!
//! A request is judged once, from its head: the policy of its route, the one token that it presents, the
//! key set that is current, the time. Then every place that a token may stand in is emptied, and a
//! principal put into the extensions.

mod auth_error;
#[cfg(feature = "axum")]
mod axum;
mod key;
mod key_set;
mod location;
pub mod policy;
mod principal;
mod require_key;

pub use self::auth_error::{AuthError, AuthErrorResponse, ErrorFormat, InvalidChallenge};
#[cfg(feature = "axum")]
pub use self::axum::Auth;
pub use self::key::{ClientId, KeyDigest, KeyId, KeyRecord, KeyStatus, Provenance, Scope, Scopes};
#[cfg(feature = "key-file")]
pub(crate) use self::key_set::{FileClient, FileKey, KeyFile, Unwritable};
pub use self::key_set::{
    IntoKeySet, KeySet, KeySetError, KeySetErrorKind, KeySetSource, VerifyError, verify_at,
};
pub use self::location::{InvalidKeyLocations, KeyLocation, KeyLocations, Token};
pub use self::principal::{Anonymous, KeyPrincipal, Principal};
pub use self::require_key::{
    DangerouslyOpen, GuardedBody, KeyEnded, NotLoopback, RequireKey, RequireKeyLayer,
    ResponseFuture,
};
pub use crate::parse_error::{ParseError, ParseErrorKind};

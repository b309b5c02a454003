//! The decisions of a key ring: pure functions of the state, the request, the generated key and
//! `now`.

mod client;
mod import;
mod issue;
mod lineage;
mod not_allowed;
mod purge;
mod retire;
mod revoke;
mod rotate;

pub use self::not_allowed::NotAllowed;
pub use self::rotate::Rotation;

use super::state::Change;
use crate::inbound::{KeyDigest, KeyId};

/// A key that was generated for an operation, which may not use it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: KeyId,
    pub(crate) digest: KeyDigest,
}

/// The change that an operation makes, and the value for its caller.
pub(crate) type Decided<T> = Result<(Change, T), NotAllowed>;

/// A key that an operation asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made<T> {
    /// It was made now.
    Now(T),
    /// The same operation made it before.
    Before(KeyId),
}

//! What each operation changes in a ledger: pure functions of the ledger, the request, the new key and `now`.

mod client;
mod import;
mod issue;
mod lineage;
mod not_allowed;
mod purge;
mod retire;
mod revoke;
mod rotate;

pub use self::import::ExternalKey;
pub use self::not_allowed::NotAllowed;
pub use self::revoke::RevokeRequest;
pub use self::rotate::{RotateRequest, Rotation};

use std::time::{Duration, SystemTime};

use super::issuance_policy::after;
use super::state::Change;
use crate::inbound::{KeyDigest, KeyId};

/// A key that was drawn for an operation, which may or may not come to use it.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) id: KeyId,
    pub(crate) digest: KeyDigest,
}

/// What an operation comes to: what changes, and what the caller is told.
pub(crate) type Decided<T> = Result<(Change, T), NotAllowed>;

/// A key that an operation asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made<T> {
    /// It was made now.
    Now(T),
    /// The same operation has made it before.
    Before(KeyId),
}

/// Until when a new key is to be valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Life {
    #[default]
    AsThePolicySays,
    For(Duration),
    Until(SystemTime),
    ForEver,
}

impl Life {
    /// When it ends, if it begins at `start` and the policy says `lifetime`.
    fn ends(self, start: SystemTime, lifetime: Option<Duration>) -> Option<SystemTime> {
        match self {
            Self::AsThePolicySays => lifetime.map(|lifetime| after(start, lifetime)),
            Self::For(lifetime) => Some(after(start, lifetime)),
            Self::Until(moment) => Some(moment),
            Self::ForEver => None,
        }
    }
}

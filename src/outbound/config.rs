//! Which requests are given a credential.

use super::credential::Credential;
use super::table::{Index, Table};
use super::target::Target;
use crate::rotating::{Current, Rotating};

/// What every clone of one layer's services shares.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) table: Table,
    pub(super) existing: Existing,
    pub(super) expired: Expired,
    pub(super) rejected: Rejected,
}

/// What happens to a header that the caller has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and its rejection is the caller's affair.
    Keep,
    Override,
}

/// What happens once the credential has expired and there is none better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// It is sent: the upstream decides.
    Send,
    Omit,
}

/// What happens to requests while there may be a better credential than one that was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// They are sent: each is sent again once there is.
    Send,
    /// They wait for the refresh.
    Hold,
}

impl Config {
    /// The credential for a request to `target`, loaded once, and which of the keys it is from; `None` where the
    /// request goes out as it is.
    pub(super) fn credential_for(
        &self,
        target: Target<'_>,
    ) -> Option<(Index, Current<Credential>)> {
        let index = self.table.find(target)?;
        let key = self.key(index);
        let credential = key.current();
        let omitted = self.expired == Expired::Omit && key.has_expired(&credential);
        (!omitted).then_some((index, credential))
    }

    pub(super) fn key(&self, index: Index) -> &Rotating<Credential> {
        self.table.key(index)
    }
}

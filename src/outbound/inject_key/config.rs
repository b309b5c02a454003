//! Which requests are given a credential.

use crate::outbound::adapter::Target;
use crate::outbound::credential::Credential;
use crate::outbound::routes::{Index, Table};
use crate::rotating::{Current, Rotating};

/// What every clone of one layer's services shares.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) table: Table,
    pub(crate) existing: Existing,
    pub(crate) expired: Expired,
    pub(crate) rejected: Rejected,
}

/// What happens to a header that the caller has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays, and its rejection is the caller's affair.
    Keep,
    Override,
}

/// What happens once the credential has expired and there is none better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// It is sent: the upstream decides.
    Send,
    Omit,
}

/// What happens to requests while there may be a better credential than one that was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// They are sent: each is sent again once there is.
    Send,
    /// They wait for the refresh.
    Hold,
}

impl Config {
    /// The credential for a request to `target`, loaded once, and which of the keys it is from; `None` where the
    /// request goes out as it is.
    pub(crate) fn credential_for(
        &self,
        target: Target<'_>,
    ) -> Option<(Index, Current<Credential>)> {
        let index = self.table.find(target)?;
        let key = self.key(index);
        let credential = key.current();
        let omitted = self.expired == Expired::Omit && key.has_expired(&credential);
        (!omitted).then_some((index, credential))
    }

    pub(crate) fn key(&self, index: Index) -> &Rotating<Credential> {
        self.table.key(index)
    }
}

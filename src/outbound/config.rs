//! The configuration that both layers share.

use crate::outbound::adapter::Target;
use crate::outbound::credential::Credential;
use crate::outbound::routes::{Index, Table};
use crate::rotating::{Current, Rotating};

/// The configuration of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) table: Table,
    pub(crate) existing: Existing,
    pub(crate) expired: Expired,
    pub(crate) while_refreshing: WhileRefreshing,
}

/// The treatment of a header that the caller has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Keeps the header. The caller handles its rejection.
    Keep,
    Override,
}

/// The treatment of requests once the credential has expired and there is no better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Sends the expired credential: the upstream decides.
    Send,
    Omit,
}

/// The treatment of requests while a rejected credential is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhileRefreshing {
    /// Sends them with the rejected credential, and replays each of them.
    Send,
    /// Holds them until the refresh ends.
    Hold,
}

/// The credential for a request, and the index of the key that it belongs to.
pub(crate) type Found = (Index, Current<Credential>);

impl Config {
    /// Loads the credential for a request to `target`, once. Returns `None` if the request is sent
    /// without one.
    pub(crate) fn credential_for(&self, target: Target<'_>) -> Option<Found> {
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

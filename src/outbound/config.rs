//! The configuration that both layers share.

use crate::outbound::adapter::Target;
use crate::outbound::credential::Credential;
use crate::outbound::evidence::Evidence;
use crate::outbound::rotating_credential::RotatingCredential;
use crate::outbound::routes::{Index, Table};
use crate::rotating::Current;

/// The configuration of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) table: Table,
    pub(crate) existing: Existing,
    pub(crate) expired: Expired,
    pub(crate) while_refreshing: WhileRefreshing,
    pub(crate) max_sends: MaxSends,
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

/// How often a request is sent at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxSends(u8);

impl MaxSends {
    pub(crate) const DEFAULT: Self = Self(2);

    /// Takes the nearest number that makes sense. A fourth attempt would carry a key that this
    /// request was rejected with.
    pub(crate) fn clamped(sends: u8) -> Self {
        Self(sends.clamp(1, 3))
    }

    /// Returns how many sends are left after `sent`.
    pub(crate) fn left_after(self, sent: usize) -> u8 {
        let sent = u8::try_from(sent).unwrap_or(u8::MAX);
        self.0.saturating_sub(sent)
    }
}

/// The credential for a request, and the index of the key that it belongs to.
pub(crate) type Found = (Index, Current<Credential, Evidence>);

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

    pub(crate) fn key(&self, index: Index) -> &RotatingCredential {
        self.table.key(index)
    }
}

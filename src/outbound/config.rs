//! The configuration that both layers share.

use std::slice::from_ref;

use http::header::{HeaderMap, HeaderName};

use crate::outbound::adapter::Target;
use crate::outbound::credential::Credential;
use crate::outbound::evidence::Evidence;
use crate::outbound::rotating_credential::RotatingCredential;
use crate::outbound::routes::{Index, Lookup, Origin, Table};
use crate::rotating::Current;
use crate::syntax::header_name::remove_variables;

/// The configuration of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) table: Table,
    pub(crate) existing: Existing,
    pub(crate) expired: Expired,
    pub(crate) while_refreshing: WhileRefreshing,
    pub(crate) max_sends: MaxSends,
}

/// The treatment of a header that the caller has set, of the same name as a key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Keeps the header and leaves the key off. The caller handles its rejection.
    Keep,
    /// Removes the header from requests to the places of the keys, also if they get no key.
    Override,
    /// Removes the header from every request: the caller is a client of a gateway.
    OverrideEverywhere,
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

/// The credential for a request.
pub(crate) struct SelectedKey {
    /// The key that the credential belongs to.
    pub(crate) index: Index,
    pub(crate) credential: Current<Credential, Evidence>,
    /// The origin of the request, if its key is for any.
    pub(crate) origin: Option<Origin>,
}

/// The headers of a request, as the caller has set them.
pub(crate) trait CallerHeaders {
    fn has(&mut self, name: &HeaderName) -> bool;

    /// Removes the header, and all others that a server could take for it.
    fn remove(&mut self, name: &HeaderName);
}

impl Config {
    pub(crate) fn lookup(&self, target: &Target<'_>) -> Lookup {
        self.table.find(target)
    }

    /// Loads the credential for a request, once, and removes what the caller may not set in its
    /// place. Returns `None` if the request is sent without one.
    pub(crate) fn credential_for(
        &self,
        lookup: Lookup,
        headers: &mut impl CallerHeaders,
    ) -> Option<SelectedKey> {
        let selected = match lookup {
            Lookup::Key(index) => Some(SelectedKey {
                index,
                credential: self.key(index).current(),
                origin: None,
            }),
            Lookup::Withheld(_) | Lookup::Ambiguous | Lookup::Elsewhere => None,
        };
        let removed = |index: &Index| self.existing.is_removed(*index, lookup);
        for index in self.table.indexes().filter(removed) {
            match &selected {
                Some(own) if own.index == index => headers.remove(own.credential.name()),
                _ => headers.remove(self.key(index).current().name()),
            }
        }
        selected.filter(
            |SelectedKey {
                 index, credential, ..
             }| {
                let kept = self.existing == Existing::Keep && headers.has(credential.name());
                let omitted =
                    self.expired == Expired::Omit && self.key(*index).has_expired(credential);
                !kept && !omitted
            },
        )
    }

    pub(crate) fn key(&self, index: Index) -> &RotatingCredential {
        self.table.key(index)
    }
}

impl Existing {
    /// Returns whether the caller's header in place of an entry's key is removed.
    fn is_removed(self, index: Index, lookup: Lookup) -> bool {
        match (self, lookup) {
            (Self::Keep, _) | (Self::Override, Lookup::Elsewhere) => false,
            (Self::Override, Lookup::Key(own) | Lookup::Withheld(own)) => own == index,
            (Self::Override, Lookup::Ambiguous) | (Self::OverrideEverywhere, _) => true,
        }
    }
}

impl CallerHeaders for HeaderMap {
    fn has(&mut self, name: &HeaderName) -> bool {
        self.contains_key(name)
    }

    fn remove(&mut self, name: &HeaderName) {
        remove_variables(self, from_ref(name));
    }
}

//! A client with an active key, as the layer finds it.

use std::sync::Arc;

use super::anonymous::Anonymous;
use super::checked_key::CheckedKey;
use crate::generation::Generation;
use crate::inbound::authenticator::Authenticator;
use crate::inbound::key::{KeyDigest, KeyRecord};
use crate::inbound::location::KeyLocation;

/// The sender of a request that the layer lets in.
#[derive(Debug)]
pub(crate) enum Caller {
    Key(Identity),
    Anonymous(Anonymous),
    Open,
}

/// A client with an active key, as the layer finds it: small, since each step moves it.
#[derive(Clone)]
pub(crate) struct Identity {
    record: Arc<KeyRecord>,
    checked: CheckedKey,
    /// The generation of the set in which the key was last seen to be active.
    seen: Generation,
    located: Located,
}

/// The location of the key in the request.
#[derive(Clone)]
struct Located {
    index: usize,
    /// The layer among whose locations that is, if it is another one.
    of: Option<Arc<Authenticator>>,
}

impl Identity {
    pub(crate) const fn new(
        record: Arc<KeyRecord>,
        digest: KeyDigest,
        authenticator: Arc<Authenticator>,
        seen: Generation,
    ) -> Self {
        Self {
            record,
            checked: CheckedKey::new(digest, authenticator),
            seen,
            located: Located { index: 0, of: None },
        }
    }

    /// Creates the identity of a client whose token a validator has accepted.
    pub(crate) fn validated(
        record: Arc<KeyRecord>,
        digest: KeyDigest,
        authenticator: Arc<Authenticator>,
        seen: Generation,
    ) -> Self {
        Self {
            checked: CheckedKey::validated(Arc::clone(&record), digest, authenticator),
            record,
            seen,
            located: Located { index: 0, of: None },
        }
    }

    pub(crate) fn located_at(mut self, index: usize) -> Self {
        self.located = Located { index, of: None };
        self
    }

    /// Takes over the location from a principal of another layer, or of another request.
    pub(crate) fn located_as(mut self, other: &Self) -> Self {
        let of = other.locating_authenticator();
        self.located = Located {
            index: other.located.index,
            of: Some(Arc::clone(of)),
        };
        self
    }

    /// Returns where in the request the key stood.
    pub(crate) fn location(&self) -> &KeyLocation {
        &self.locating_authenticator().locations.as_slice()[self.located.index]
    }

    /// Returns the authenticator of the layer that found the key.
    fn locating_authenticator(&self) -> &Arc<Authenticator> {
        let of = self.located.of.as_ref();
        of.unwrap_or_else(|| self.checked.authenticator())
    }

    pub(crate) const fn record(&self) -> &Arc<KeyRecord> {
        &self.record
    }

    pub(crate) const fn seen(&self) -> Generation {
        self.seen
    }

    pub(crate) const fn checked(&self) -> &CheckedKey {
        &self.checked
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

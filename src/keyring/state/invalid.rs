//! Errors of clients and keys that do not make a state.

use std::error::Error;
use std::fmt;

use crate::inbound::{ClientId, KeyId};

/// An error returned for clients and keys that do not make a
/// [`KeyRingState`](crate::keyring::KeyRingState). [`kind`](Self::kind) says which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKeyRingState(Invalid);

/// What is wrong with the clients and keys of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyRingStateKind {
    /// The serial cannot be raised any more.
    LastSerial,
    /// Two clients have the same id.
    SameClient,
    /// Two keys have the same id.
    SameId,
    /// Two entries have the same digest.
    SameKey,
    /// The client of a key does not exist.
    UnknownClient,
    /// A key has a scope that its client does not have.
    MoreThanItsClient,
    /// A key expires before it becomes valid.
    NeverValid,
    /// A key is published in documentation or examples.
    WellKnown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    LastSerial,
    SameClient(ClientId),
    SameId(KeyId),
    SameKey(KeyId, KeyId),
    UnknownClient(KeyId, ClientId),
    MoreThanItsClient(KeyId),
    NeverValid(KeyId),
    WellKnown(KeyId),
}

impl InvalidKeyRingState {
    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> InvalidKeyRingStateKind {
        match self.0 {
            Invalid::LastSerial => InvalidKeyRingStateKind::LastSerial,
            Invalid::SameClient(_) => InvalidKeyRingStateKind::SameClient,
            Invalid::SameId(_) => InvalidKeyRingStateKind::SameId,
            Invalid::SameKey(..) => InvalidKeyRingStateKind::SameKey,
            Invalid::UnknownClient(..) => InvalidKeyRingStateKind::UnknownClient,
            Invalid::MoreThanItsClient(_) => InvalidKeyRingStateKind::MoreThanItsClient,
            Invalid::NeverValid(_) => InvalidKeyRingStateKind::NeverValid,
            Invalid::WellKnown(_) => InvalidKeyRingStateKind::WellKnown,
        }
    }

    /// Returns the key that is wrong, if it is a key. Of two equal keys, returns the second.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyId> {
        match &self.0 {
            Invalid::SameId(key)
            | Invalid::SameKey(_, key)
            | Invalid::UnknownClient(key, _)
            | Invalid::MoreThanItsClient(key)
            | Invalid::NeverValid(key)
            | Invalid::WellKnown(key) => Some(key),
            Invalid::LastSerial | Invalid::SameClient(_) => None,
        }
    }

    /// Returns the client that is there twice, or not at all.
    #[must_use]
    pub const fn client(&self) -> Option<&ClientId> {
        match &self.0 {
            Invalid::SameClient(client) | Invalid::UnknownClient(_, client) => Some(client),
            _ => None,
        }
    }
}

impl From<Invalid> for InvalidKeyRingState {
    fn from(invalid: Invalid) -> Self {
        Self(invalid)
    }
}

impl fmt::Display for InvalidKeyRingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Invalid::LastSerial => {
                f.write_str("the serial cannot be raised any more; set a lower one")
            }
            Invalid::SameClient(id) => write!(f, "two clients have the id {id}; rename one"),
            Invalid::SameId(id) => write!(f, "two keys have the id {id}; rename one"),
            Invalid::SameKey(one, other) => {
                write!(f, "{one} and {other} are the same key; remove one")
            }
            Invalid::UnknownClient(key, client) => write!(
                f,
                "the key {key} belongs to the client {client}, which does not exist; add the client"
            ),
            Invalid::MoreThanItsClient(id) => write!(
                f,
                "the key {id} has scopes that its client does not have; give them to the client first"
            ),
            Invalid::NeverValid(id) => {
                write!(
                    f,
                    "the key {id} expires before it becomes valid; check its times"
                )
            }
            Invalid::WellKnown(id) => write!(
                f,
                "the key {id} is published in documentation or examples; make a new one"
            ),
        }
    }
}

impl Error for InvalidKeyRingState {}

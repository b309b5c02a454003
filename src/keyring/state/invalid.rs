//! Why entries make no state.

use std::error::Error;
use std::fmt;

use crate::inbound::{ClientId, KeyId};

/// Why entries make no state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyRingState {
    /// Its serial is the last that can be counted.
    LastSerial,
    /// Two clients have the same name.
    SameClient(ClientId),
    /// Two keys have the same name.
    SameId(KeyId),
    /// Two entries are of the same key.
    SameKey(KeyId, KeyId),
    /// A key's client is not there.
    UnknownClient(KeyId, ClientId),
    /// A key may do what its client may not.
    MoreThanItsClient(KeyId),
    /// A key would expire before it becomes valid.
    NeverValid(KeyId),
    /// A key that documentation and examples use, which everybody knows.
    WellKnown(KeyId),
}

impl fmt::Display for InvalidKeyRingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastSerial => f.write_str("its serial is the last that can be counted"),
            Self::SameClient(id) => write!(f, "two clients are named {id}"),
            Self::SameId(id) => write!(f, "two keys are named {id}"),
            Self::SameKey(one, other) => write!(f, "{one} and {other} are the same key"),
            Self::UnknownClient(key, client) => {
                write!(
                    f,
                    "the key {key} is of {client}, and there is no such client"
                )
            }
            Self::MoreThanItsClient(id) => {
                write!(f, "the key {id} may do what its client may not")
            }
            Self::NeverValid(id) => write!(f, "the key {id} would expire before it becomes valid"),
            Self::WellKnown(id) => {
                write!(
                    f,
                    "the key {id} is one that everybody knows; make a new one"
                )
            }
        }
    }
}

impl Error for InvalidKeyRingState {}

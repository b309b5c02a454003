//! Why an operation is not done, and what to do about it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::inbound::{ClientId, KeyId};
use crate::keyring::state::InvalidKeyRingState;

const DAY: u64 = 24 * 60 * 60;

/// Why an operation on a key ring is not done. Its text says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAllowed {
    /// There is no such client.
    UnknownClient(ClientId),
    /// There is no such key.
    UnknownKey,
    /// The client is disabled.
    ClientDisabled(ClientId),
    /// The client has no live key to rotate.
    NoLiveKey(ClientId),
    /// The client has several live keys: which one is meant?
    SeveralKeys(ClientId),
    /// The client has as many live keys as the policy allows.
    TooManyKeys {
        /// Whose keys.
        client: ClientId,
        /// How many there may be.
        limit: usize,
    },
    /// The key was revoked.
    Revoked(KeyId),
    /// The key has expired.
    Expired(KeyId),
    /// The key has a live successor already.
    Superseded {
        /// The key.
        key: KeyId,
        /// Its successor.
        by: KeyId,
    },
    /// The key has no live successor, and so must not be ended.
    NotSuperseded(KeyId),
    /// The key would be valid for longer than the policy allows.
    TooLong {
        /// The longest life that is allowed.
        longest: Duration,
    },
    /// The key would have expired before it is made, or before it becomes valid.
    NeverValid,
    /// The key may do what its client may not.
    MoreThanItsClient(ClientId),
    /// There is another key of this name.
    SameId(KeyId),
    /// The same key belongs to another client already.
    SameKey(KeyId),
    /// Another operation has used this idempotency key, and made this key.
    IdempotencyKeyReused(KeyId),
    /// The outcome would be no state.
    Invalid(InvalidKeyRingState),
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownClient(client) => {
                write!(f, "there is no client {client}; is its name right?")
            }
            Self::UnknownKey => f.write_str("there is no such key; list the keys"),
            Self::ClientDisabled(client) => {
                write!(f, "the client {client} is disabled; enable it first")
            }
            Self::NoLiveKey(client) => {
                write!(
                    f,
                    "the client {client} has no live key to rotate; issue one"
                )
            }
            Self::SeveralKeys(client) => {
                write!(
                    f,
                    "the client {client} has several live keys; name the one that is meant"
                )
            }
            Self::TooManyKeys { client, limit } => write!(
                f,
                "the client {client} has {limit} live keys, and may not have more; revoke one, or raise the limit"
            ),
            Self::Revoked(key) => {
                write!(f, "the key {key} was revoked; issue a new one")
            }
            Self::Expired(key) => write!(f, "the key {key} has expired; issue a new one"),
            Self::Superseded { key, by } => {
                write!(
                    f,
                    "the key {key} has a successor; rotate that, which is {by}"
                )
            }
            Self::NotSuperseded(key) => {
                write!(
                    f,
                    "the key {key} has no live successor; rotate it, or revoke it"
                )
            }
            Self::TooLong { longest } => {
                let seconds = longest.as_secs();
                let (n, unit) = match seconds / DAY {
                    0 => (seconds, "seconds"),
                    days => (days, "days"),
                };
                write!(
                    f,
                    "the key would be valid for more than {n} {unit}; ask for less"
                )
            }
            Self::NeverValid => {
                f.write_str("the key would expire before it becomes valid; are the times right?")
            }
            Self::MoreThanItsClient(client) => {
                write!(
                    f,
                    "the key may do what the client {client} may not; give the client the scopes first"
                )
            }
            Self::SameId(key) => write!(f, "there is another key named {key}; take another name"),
            Self::SameKey(key) => write!(f, "the same key is there already, as {key}"),
            Self::IdempotencyKeyReused(key) => {
                write!(
                    f,
                    "another operation had this idempotency key, and made the key {key}; take a new one"
                )
            }
            Self::Invalid(_) => f.write_str("the outcome would be no state"),
        }
    }
}

impl Error for NotAllowed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid(invalid) => Some(invalid),
            _ => None,
        }
    }
}

impl From<InvalidKeyRingState> for NotAllowed {
    fn from(invalid: InvalidKeyRingState) -> Self {
        Self::Invalid(invalid)
    }
}

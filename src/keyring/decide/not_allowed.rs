//! Why an operation is not allowed.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::inbound::{ClientId, KeyId, KeySetError, Role};

const DAY: u64 = 24 * 60 * 60;

/// The reason why a key ring does not allow an operation; see
/// [`KeyRingError::not_allowed`](crate::keyring::KeyRingError::not_allowed). The message says what
/// to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAllowed {
    /// The client does not exist.
    UnknownClient(ClientId),
    /// The role does not exist.
    UnknownRole(Role),
    /// The key does not exist.
    UnknownKey,
    /// The client is disabled.
    ClientDisabled(ClientId),
    /// The client has no live key to rotate.
    NoLiveKey(ClientId),
    /// The client has several live keys, so that the request must name one.
    SeveralKeys(ClientId),
    /// The client has as many live keys as the policy allows.
    TooManyKeys {
        /// The client.
        client: ClientId,
        /// The limit of the policy.
        limit: usize,
    },
    /// The key was revoked.
    Revoked(KeyId),
    /// The key has expired.
    Expired(KeyId),
    /// The key already has a live successor.
    Superseded {
        /// The key.
        key: KeyId,
        /// Its successor.
        by: KeyId,
    },
    /// The key has no live successor, so that its grace cannot be ended.
    NotSuperseded(KeyId),
    /// The key would live longer than the policy allows.
    TooLong {
        /// The longest lifetime that is allowed.
        longest: Duration,
    },
    /// The key would expire before it becomes valid.
    NeverValid,
    /// The key would have scopes that this client does not have.
    MoreThanItsClient(ClientId),
    /// Another key has this id.
    SameId(KeyId),
    /// The key belongs to another client already, with this id.
    SameKey(KeyId),
    /// Another operation used this idempotency key, and made this key.
    IdempotencyKeyReused(KeyId),
    /// The resulting state would be invalid.
    Invalid(KeySetError),
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownClient(client) => {
                write!(f, "there is no client {client}; is its name right?")
            }
            Self::UnknownRole(role) => {
                write!(f, "there is no role {role}; set its scopes first")
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
                write!(f, "the client {client} has several live keys; name one")
            }
            Self::TooManyKeys { client, limit } => write!(
                f,
                "the client {client} already has {limit} live keys, the limit; revoke one, or raise the limit"
            ),
            Self::Revoked(key) => {
                write!(f, "the key {key} was revoked; issue a new one")
            }
            Self::Expired(key) => write!(f, "the key {key} has expired; issue a new one"),
            Self::Superseded { key, by } => {
                write!(
                    f,
                    "the key {key} already has the successor {by}; rotate that one"
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
                    "the key would live for more than {n} {unit}; ask for less"
                )
            }
            Self::NeverValid => {
                f.write_str("the key would expire before it becomes valid; check its times")
            }
            Self::MoreThanItsClient(client) => {
                write!(
                    f,
                    "the key would have scopes that the client {client} does not have; give the client the scopes first"
                )
            }
            Self::SameId(key) => write!(f, "another key has the id {key}; choose another id"),
            Self::SameKey(key) => write!(
                f,
                "another client has the same key already, as {key}; issue a new one"
            ),
            Self::IdempotencyKeyReused(key) => {
                write!(
                    f,
                    "another operation used this idempotency key and made the key {key}; choose a new one"
                )
            }
            Self::Invalid(_) => f.write_str("the resulting keys would be invalid"),
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

impl From<KeySetError> for NotAllowed {
    fn from(invalid: KeySetError) -> Self {
        Self::Invalid(invalid)
    }
}

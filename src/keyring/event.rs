//! Events of a key ring.

use super::ring::KeyRingErrorKind;
use crate::generation::Generation;
use crate::inbound::{ClientId, KeyId};
use crate::rotating;
use crate::rotating::TraceEvent;

/// An event of a [`KeyRing`](crate::keyring::KeyRing). It holds ids, and never a token or a digest.
pub type Event = rotating::Event<EventKind>;

/// The kinds of [`Event`] that a [`KeyRing`](crate::keyring::KeyRing) has.
///
/// What another process has written is one [`Published`](Self::Published), whatever it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A key set was published.
    Published {
        /// The generation of the key set.
        generation: Generation,
    },
    /// A client was added.
    ClientAdded {
        /// The client.
        client: ClientId,
    },
    /// A client was enabled.
    ClientEnabled {
        /// The client.
        client: ClientId,
    },
    /// A client was disabled: none of its keys is accepted.
    ClientDisabled {
        /// The client.
        client: ClientId,
    },
    /// The scopes or roles of a client changed, or the scopes of one of its roles.
    ClientChanged {
        /// The client.
        client: ClientId,
    },
    /// A key was issued.
    Issued {
        /// The client of the key.
        client: ClientId,
        /// The key.
        key_id: KeyId,
    },
    /// A key was imported.
    Imported {
        /// The client of the key.
        client: ClientId,
        /// The key.
        key_id: KeyId,
    },
    /// A key was rotated.
    Rotated {
        /// The client of the key.
        client: ClientId,
        /// The new key.
        key_id: KeyId,
        /// The key that it replaces.
        replaces: KeyId,
    },
    /// A key was revoked.
    Revoked {
        /// The client of the key.
        client: ClientId,
        /// The key.
        key_id: KeyId,
    },
    /// A key got an end, or an earlier one.
    Retired {
        /// The client of the key.
        client: ClientId,
        /// The key.
        key_id: KeyId,
    },
    /// Keys that had ended were removed.
    Purged {
        /// The number of keys.
        keys: usize,
    },
    /// The store could not be read. The published keys stay in force.
    ReloadFailed {
        /// The kind of the error.
        kind: KeyRingErrorKind,
    },
}

impl EventKind {
    /// Returns the kind in a word or two, for logs. These words are stable.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Published { .. } => "published",
            Self::ClientAdded { .. } => "client_added",
            Self::ClientEnabled { .. } => "client_enabled",
            Self::ClientDisabled { .. } => "client_disabled",
            Self::ClientChanged { .. } => "client_changed",
            Self::Issued { .. } => "key_issued",
            Self::Imported { .. } => "key_imported",
            Self::Rotated { .. } => "key_rotated",
            Self::Revoked { .. } => "key_revoked",
            Self::Retired { .. } => "key_retired",
            Self::Purged { .. } => "keys_purged",
            Self::ReloadFailed { .. } => "reload_failed",
        }
    }
}

impl TraceEvent for EventKind {
    fn trace(&self, name: &str) {
        let event = self.as_str();
        match self {
            Self::Published { generation } => {
                tracing::info!(event, name, %generation, "published keys");
            }
            Self::ClientAdded { client } => tracing::info!(event, name, %client, "added a client"),
            Self::ClientEnabled { client } => {
                tracing::info!(event, name, %client, "enabled a client");
            }
            Self::ClientDisabled { client } => {
                tracing::warn!(event, name, %client, "disabled a client");
            }
            Self::ClientChanged { client } => {
                tracing::info!(event, name, %client, "changed the scopes or roles of a client");
            }
            Self::Issued { client, key_id } => {
                tracing::info!(event, name, %client, %key_id, "issued a key");
            }
            Self::Imported { client, key_id } => {
                tracing::info!(event, name, %client, %key_id, "imported a key");
            }
            Self::Rotated {
                client,
                key_id,
                replaces,
            } => tracing::info!(event, name, %client, %key_id, %replaces, "rotated a key"),
            Self::Revoked { client, key_id } => {
                tracing::warn!(event, name, %client, %key_id, "revoked a key");
            }
            Self::Retired { client, key_id } => {
                tracing::info!(event, name, %client, %key_id, "retired a key");
            }
            Self::Purged { keys } => tracing::info!(event, name, keys, "purged keys"),
            Self::ReloadFailed { kind } => {
                tracing::warn!(
                    event,
                    name,
                    reason = kind.as_str(),
                    "could not reload the keys"
                );
            }
        }
    }
}

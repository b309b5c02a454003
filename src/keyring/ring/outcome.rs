//! The outcomes of operations.

use crate::inbound::KeyId;
use crate::keyring::decide::Rotation;
use crate::keyring::token::NewKey;

/// The outcome of [`KeyRing::issue`](crate::keyring::KeyRing::issue).
#[derive(Debug)]
#[non_exhaustive]
pub enum Issued {
    /// The key was issued now. Its token is shown this once.
    Now(NewKey),
    /// The same operation issued this key before. Its token is not known any more.
    Before(KeyId),
}

impl Issued {
    /// Returns the id of the key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        match self {
            Self::Now(key) => key.id(),
            Self::Before(id) => id,
        }
    }

    /// Returns the key, if it was issued now.
    #[must_use]
    pub fn into_new(self) -> Option<NewKey> {
        match self {
            Self::Now(key) => Some(key),
            Self::Before(_) => None,
        }
    }
}

/// The outcome of [`KeyRing::import`](crate::keyring::KeyRing::import).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Imported {
    /// The key was imported now, with this id.
    Now(KeyId),
    /// The client already had this key, with this id.
    Before(KeyId),
}

impl Imported {
    /// Returns the id of the key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        match self {
            Self::Now(id) | Self::Before(id) => id,
        }
    }
}

/// The outcome of [`KeyRing::rotate`](crate::keyring::KeyRing::rotate).
#[derive(Debug)]
#[non_exhaustive]
pub enum Rotated {
    /// The key was rotated now. The token of the new key is shown this once.
    Now {
        /// The new key.
        key: NewKey,
        /// What happened to the old key.
        rotation: Rotation,
    },
    /// The same operation made this new key before. Its token is not known any more.
    Before(KeyId),
}

impl Rotated {
    /// Returns the id of the new key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        match self {
            Self::Now { key, .. } => key.id(),
            Self::Before(id) => id,
        }
    }

    /// Returns the new key, if it was rotated now.
    #[must_use]
    pub fn into_new(self) -> Option<NewKey> {
        match self {
            Self::Now { key, .. } => Some(key),
            Self::Before(_) => None,
        }
    }
}

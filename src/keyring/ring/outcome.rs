//! What operations hand out.

use crate::inbound::KeyId;
use crate::keyring::decide::Rotation;
use crate::keyring::token::NewKey;

/// A key that was issued.
#[derive(Debug)]
#[non_exhaustive]
pub enum Issued {
    /// Now: its token is shown this once.
    Now(NewKey),
    /// By the same operation before: this key, whose token is not known here.
    Before(KeyId),
}

impl Issued {
    /// The name of the key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        match self {
            Self::Now(key) => key.id(),
            Self::Before(id) => id,
        }
    }

    /// The key, if it was made now.
    #[must_use]
    pub fn into_new(self) -> Option<NewKey> {
        match self {
            Self::Now(key) => Some(key),
            Self::Before(_) => None,
        }
    }
}

/// A key that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Imported {
    /// Now, under this name.
    Now(KeyId),
    /// Its client had it here before, under this name.
    Before(KeyId),
}

impl Imported {
    /// The name of the key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        match self {
            Self::Now(id) | Self::Before(id) => id,
        }
    }
}

/// A key that was rotated.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rotated {
    /// Now: the token of the new key is shown this once.
    Now {
        /// The new key.
        key: NewKey,
        /// What became of the old one.
        rotation: Rotation,
    },
    /// By the same operation before: the new key is this, whose token is not known here.
    Before(KeyId),
}

impl Rotated {
    /// The name of the new key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        match self {
            Self::Now { key, .. } => key.id(),
            Self::Before(id) => id,
        }
    }

    /// The new key, if it was made now.
    #[must_use]
    pub fn into_new(self) -> Option<NewKey> {
        match self {
            Self::Now { key, .. } => Some(key),
            Self::Before(_) => None,
        }
    }
}

//! A list of plain keys: digested at once, and never kept.

use std::error::Error;
use std::fmt;

use super::set::{InvalidKeySet, KeySet};
use crate::inbound::key::KeyDigest;
use crate::inbound::key::KeyRecord;
use crate::inbound::key::Scopes;
use crate::inbound::key::UnfitKey;
use crate::key::InvalidKey;
use crate::secret::Secret;

/// Why a list of plain keys is no key set. Keys are named by their position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyList {
    /// A key that is no key.
    Key {
        /// The position in the list, from 1.
        position: usize,
        /// What is wrong with it.
        why: InvalidKey,
    },
    /// A key that documentation and examples use, which everybody knows.
    WellKnown {
        /// The position in the list, from 1.
        position: usize,
    },
    /// A key that cannot have 128 random bits, and could be guessed from its digest.
    Weak {
        /// The position in the list, from 1.
        position: usize,
    },
    /// A key that has characters which no client can present a token with.
    NotPresentable {
        /// The position in the list, from 1.
        position: usize,
    },
    /// The keys do not make a set.
    Set(InvalidKeySet),
}

impl KeySet {
    /// Makes a set of plain keys, with white space or commas between them: `client-1`, `client-2` and so on
    /// by their position, valid for ever, without scopes.
    ///
    /// # Errors
    ///
    /// When there is no key, when one is weak or known to everybody, when two are the same.
    pub fn from_plain_keys(list: &Secret) -> Result<Self, InvalidKeyList> {
        let separates = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let keys = list.expose_secret().split(separates);
        let keys: Result<Vec<_>, _> = keys
            .filter(|key| !key.is_empty())
            .enumerate()
            .map(|(n, key)| plain_key(n + 1, key))
            .collect();
        Self::new(keys?).map_err(InvalidKeyList::Set)
    }
}

fn plain_key(position: usize, key: &[u8]) -> Result<(KeyDigest, KeyRecord), InvalidKeyList> {
    let digest = KeyDigest::of_foreign(key).map_err(|unfit| match unfit {
        UnfitKey::NoKey(why) => InvalidKeyList::Key { position, why },
        UnfitKey::WellKnown => InvalidKeyList::WellKnown { position },
        UnfitKey::NotPresentable => InvalidKeyList::NotPresentable { position },
        UnfitKey::Weak => InvalidKeyList::Weak { position },
    })?;
    let (id, client) = crate::inbound::key::numbered(position);
    Ok((digest, KeyRecord::new(id, client, Scopes::default())))
}

impl fmt::Display for InvalidKeyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { position, why } => write!(f, "key number {position}: {why}"),
            Self::WellKnown { position } => write!(
                f,
                "key number {position} is one that everybody knows; make a new one"
            ),
            Self::Weak { position } => write!(
                f,
                "key number {position} is too weak: take at least 22 random letters and digits"
            ),
            Self::NotPresentable { position } => write!(
                f,
                "key number {position} has other characters than A-Z a-z 0-9 - . _ ~ + /"
            ),
            Self::Set(_) => f.write_str("the keys of the list do not make a set"),
        }
    }
}

impl Error for InvalidKeyList {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Key { why, .. } => Some(why),
            Self::Set(invalid) => Some(invalid),
            Self::WellKnown { .. } | Self::Weak { .. } | Self::NotPresentable { .. } => None,
        }
    }
}

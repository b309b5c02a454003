//! A list of plain keys: digested at once, and never stored.

use super::error::KeySetError;
use super::external::digest_of_listed;
use super::set::KeySet;
use crate::inbound::key::{KeyDigest, KeyRecord, Scopes, numbered};
use crate::secret::Secret;

impl KeySet {
    /// Creates a set from plain keys that are separated by white space or commas.
    ///
    /// By their position, the keys are named `key-1`, `key-2` and so on, and their clients
    /// `client-1`, `client-2` and so on. They never expire and have no scopes.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Empty`] if there is no key, [`InvalidKey`], [`NotPresentable`],
    /// [`Weak`] or [`WellKnown`] if one cannot be used, and [`DuplicateKey`] if two are the same.
    ///
    /// [`Empty`]: crate::inbound::KeySetErrorKind::Empty
    /// [`InvalidKey`]: crate::inbound::KeySetErrorKind::InvalidKey
    /// [`NotPresentable`]: crate::inbound::KeySetErrorKind::NotPresentable
    /// [`Weak`]: crate::inbound::KeySetErrorKind::Weak
    /// [`WellKnown`]: crate::inbound::KeySetErrorKind::WellKnown
    /// [`DuplicateKey`]: crate::inbound::KeySetErrorKind::DuplicateKey
    pub fn from_plain_keys(list: &Secret) -> Result<Self, KeySetError> {
        let separates = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let keys = list.expose_secret().split(separates);
        let keys: Result<Vec<_>, _> = keys
            .filter(|key| !key.is_empty())
            .enumerate()
            .map(|(n, key)| plain_key(n + 1, key))
            .collect();
        Self::new(keys?)
    }
}

fn plain_key(position: usize, key: &[u8]) -> Result<(KeyDigest, KeyRecord), KeySetError> {
    let digest = digest_of_listed(key, position)?;
    let (id, client) = numbered(position);
    Ok((digest, KeyRecord::new(id, client, Scopes::default())))
}

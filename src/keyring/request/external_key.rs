//! A key that was made elsewhere.

use crate::inbound::{KeyDigest, KeyId, KeySetError, Provenance};
use crate::secret::Secret;

/// A key that was made elsewhere, for example `sk-…`, and that a client already has.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{Secret, inbound::KeySetErrorKind, keyring::ExternalKey};
///
/// assert!(ExternalKey::token(&Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe")).is_ok());
/// let error = ExternalKey::token(&Secret::from("sk-1f0c")).unwrap_err();
/// assert_eq!(error.kind(), KeySetErrorKind::Weak);
/// ```
#[derive(Clone, Debug)]
pub struct ExternalKey {
    pub(crate) id: Option<KeyId>,
    pub(crate) digest: KeyDigest,
    pub(crate) provenance: Provenance,
}

impl ExternalKey {
    /// Takes the key itself. Only its digest is kept.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidKey`], [`WellKnown`] or [`Weak`] if the text is not a key,
    /// is published in documentation, or cannot have 128 random bits.
    ///
    /// [`InvalidKey`]: crate::inbound::KeySetErrorKind::InvalidKey
    /// [`WellKnown`]: crate::inbound::KeySetErrorKind::WellKnown
    /// [`Weak`]: crate::inbound::KeySetErrorKind::Weak
    pub fn token(token: &Secret) -> Result<Self, KeySetError> {
        Ok(Self {
            id: None,
            digest: KeyDigest::of_external(token.expose_secret())?,
            provenance: Provenance::Imported,
        })
    }

    /// Takes the digest of the key. It says nothing about the strength of the key, which is
    /// therefore marked as unchecked.
    #[must_use]
    pub const fn digest(digest: KeyDigest) -> Self {
        Self {
            id: None,
            digest,
            provenance: Provenance::Unchecked,
        }
    }

    /// Sets the id of the key. Defaults to a generated one.
    #[must_use]
    pub fn named(mut self, id: KeyId) -> Self {
        self.id = Some(id);
        self
    }
}

//! A key that was made elsewhere.

use crate::inbound::{KeyDigest, KeyId, KeySetError, Provenance};
use crate::secret::Secret;

/// A key that was made elsewhere, say `sk-…`, and that a client has already.
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
    /// The key itself, which is looked at and not kept.
    ///
    /// # Errors
    ///
    /// When it is no key, is known to everybody, or cannot have 128 random bits.
    pub fn token(token: &Secret) -> Result<Self, KeySetError> {
        Ok(Self {
            id: None,
            digest: KeyDigest::of_external(token.expose_secret())?,
            provenance: Provenance::Imported,
        })
    }

    /// The digest of the key, which says nothing of its strength: the key is marked as unchecked.
    #[must_use]
    pub const fn digest(digest: KeyDigest) -> Self {
        Self {
            id: None,
            digest,
            provenance: Provenance::Unchecked,
        }
    }

    /// The name that the key is to have, for lists and revocation; one is drawn unless told.
    #[must_use]
    pub fn named(mut self, id: KeyId) -> Self {
        self.id = Some(id);
        self
    }
}

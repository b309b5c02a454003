//! A new key for a client, made elsewhere.

use std::time::SystemTime;

use super::not_allowed::NotAllowed;
use super::{Decided, Drawn, Made};
use crate::inbound::{KeyDigest, KeyId, KeySetError, Provenance};
use crate::keyring::request::IssueRequest;
use crate::keyring::state::{Change, KeyRingState};
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
    id: Option<KeyId>,
    digest: KeyDigest,
    provenance: Provenance,
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

impl KeyRingState {
    /// A key that the client has already is not taken twice; nor does one that was revoked come back so, which is kept for that.
    pub(crate) fn import(
        &self,
        terms: &IssueRequest,
        key: &ExternalKey,
        drawn: &KeyId,
        now: SystemTime,
    ) -> Decided<Made<KeyId>> {
        if let Some(there) = self.key_of(&key.digest) {
            let id = there.id().clone();
            return match there.revoked_at() {
                Some(_) => Err(NotAllowed::Revoked(id)),
                None if !self.is_live(there, now) => Err(NotAllowed::Expired(id)),
                None if *there.client() != terms.client => Err(NotAllowed::SameKey(id)),
                None => Ok((Change::default(), Made::Before(id))),
            };
        }
        if let Some(before) = self.made_before(&terms.client, terms.idempotency_key.as_ref()) {
            return Err(NotAllowed::IdempotencyKeyReused(before.id().clone()));
        }
        let id = key.id.as_ref().unwrap_or(drawn);
        if self.key(id).is_some() {
            return Err(NotAllowed::SameId(id.clone()));
        }
        let drawn = Drawn {
            id: id.clone(),
            digest: key.digest,
        };
        self.add(terms, &drawn, key.provenance, now)
    }
}

//! A key that somebody else made.

use std::fmt;

use super::ledger::Provenance;
use crate::inbound::{KeyDigest, UnfitKey, check_plain_key};
use crate::key;
use crate::secret::Secret;

/// A key that somebody else made, to be accepted here: what clients hold already, or what another system gives out.
///
/// A digest is of the whole key, and not slow to compute: a key that could be guessed could be guessed from it.
///
/// ```
/// use tower_rotating_auth::{ImportedKey, KeyDigest, Provenance, Secret, UnfitKey};
///
/// let plain = ImportedKey::from_plain(&Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe\n"))?;
/// assert_eq!(plain.provenance(), Provenance::Imported);
/// assert_eq!(plain.digest(), KeyDigest::of(b"sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe"));
///
/// let digest = ImportedKey::from_digest(KeyDigest::of(b"who knows"))?;
/// assert_eq!(digest.provenance(), Provenance::Unchecked);
///
/// let weak = ImportedKey::from_plain(&Secret::from("Tr0ub4dor-and-3"));
/// assert_eq!(weak.unwrap_err(), UnfitKey::Weak);
/// # Ok::<_, UnfitKey>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedKey {
    digest: KeyDigest,
    provenance: Provenance,
}

impl ImportedKey {
    /// Takes a key itself, without white space around it, and keeps its digest.
    ///
    /// # Errors
    ///
    /// When it is no key that a client could present, when it cannot have 128 random bits (22 letters and digits, or
    /// 32 hexadecimal ones), or when everybody knows it.
    pub fn from_plain(key: &Secret) -> Result<Self, UnfitKey> {
        let key = key::parse(key).map_err(UnfitKey::Invalid)?;
        check_plain_key(key)?;
        Ok(Self {
            digest: KeyDigest::of(key),
            provenance: Provenance::Imported,
        })
    }

    /// Takes a key by the digest of it, as it is: whether it is a strong one cannot be told.
    ///
    /// # Errors
    ///
    /// When it is of a key that everybody knows.
    pub fn from_digest(digest: KeyDigest) -> Result<Self, UnfitKey> {
        if digest.is_well_known() {
            return Err(UnfitKey::WellKnown);
        }
        Ok(Self {
            digest,
            provenance: Provenance::Unchecked,
        })
    }

    /// What a server keeps of it.
    #[must_use]
    pub const fn digest(&self) -> KeyDigest {
        self.digest
    }

    /// What is known of its strength.
    #[must_use]
    pub const fn provenance(&self) -> Provenance {
        self.provenance
    }
}

impl fmt::Debug for ImportedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedKey")
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_everybody_knows_is_refused_by_its_text_and_by_its_digest() {
        let vector = "trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ0oSYWS";
        for known in [vector, "sk-1234", "changeme"] {
            let plain = ImportedKey::from_plain(&Secret::from(known));
            assert_eq!(plain, Err(UnfitKey::WellKnown), "{known}");
            let digest = ImportedKey::from_digest(KeyDigest::of(known.as_bytes()));
            assert_eq!(digest, Err(UnfitKey::WellKnown), "{known}");
        }
    }

    #[test]
    fn a_plain_key_must_have_room_for_128_random_bits() {
        for (key, expected) in [
            ("8Zk1tQ0mVd7RyXw3LpHs5N", Ok(Provenance::Imported)),
            ("8Zk1tQ0mVd7RyXw3LpHs5", Err(UnfitKey::Weak)),
            ("0123456789abcdef0123456789abcdef", Ok(Provenance::Imported)),
            ("0123456789abcdef0123456789abcde", Err(UnfitKey::Weak)),
            ("sk-8Zk1tQ0mVd7R:yXw3LpHs5N", Err(UnfitKey::NotPresentable)),
        ] {
            let imported = ImportedKey::from_plain(&Secret::from(key));
            assert_eq!(imported.map(|key| key.provenance()), expected, "{key}");
        }
        let several = ImportedKey::from_plain(&Secret::from("sk-1 sk-2"));
        assert!(matches!(several, Err(UnfitKey::Invalid(_))));
    }
}

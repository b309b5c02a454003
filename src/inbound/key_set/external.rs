//! Keys that another program made: whether one is fit to let somebody in.

use super::error::{KeySetError, KeySetErrorKind, Place};
use crate::inbound::key::{KeyDigest, is_well_known, may_be_strong};
use crate::inbound::location::is_b64token;

impl KeyDigest {
    /// Returns the digest of a key that another program made, if the key may let somebody in.
    pub(crate) fn of_external(key: &[u8]) -> Result<Self, KeySetError> {
        digest(key, Place::Nowhere)
    }
}

/// As [`KeyDigest::of_external`], for a key at a position of a list, from 1.
pub(super) fn digest_of_listed(key: &[u8], position: usize) -> Result<KeyDigest, KeySetError> {
    digest(key, Place::Entry(position))
}

fn digest(key: &[u8], place: Place) -> Result<KeyDigest, KeySetError> {
    let which = match place {
        Place::Entry(position) => format!("key number {position}"),
        Place::Nowhere | Place::Line(_) => "the key".to_owned(),
    };
    let error = |kind, what| KeySetError::new(kind, format!("{which} {what}")).at(place);
    if is_well_known(key) {
        return Err(error(
            KeySetErrorKind::WellKnown,
            "is one that everybody knows; generate a new one",
        ));
    }
    crate::key::check(key).map_err(|invalid| {
        error(KeySetErrorKind::InvalidKey, "cannot be used").caused_by(invalid)
    })?;
    if !is_b64token(key) {
        return Err(error(
            KeySetErrorKind::NotPresentable,
            "has characters that no client can send; use only A-Z a-z 0-9 - . _ ~ + /",
        ));
    }
    if !may_be_strong(key) {
        return Err(error(
            KeySetErrorKind::Weak,
            "is too weak; use at least 22 random letters and digits",
        ));
    }
    Ok(KeyDigest::of(key))
}

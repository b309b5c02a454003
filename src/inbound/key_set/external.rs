//! Keys that another program made: whether they are strong enough to be accepted.

use super::error::{KeySetError, KeySetErrorKind};
use crate::inbound::key::{KeyDigest, is_well_known, may_be_strong};
use crate::inbound::location::is_b64token;

impl KeyDigest {
    /// Returns the digest of a key that another program made, if the key can be accepted.
    ///
    /// See [`KeySetErrorKind`] for what a key can be refused for.
    pub(crate) fn of_external(key: &[u8]) -> Result<Self, KeySetError> {
        digest(key, None)
    }
}

/// Returns the digest of a key in a list, as [`KeyDigest::of_external`] does; positions are from 1.
pub(super) fn digest_of_listed(key: &[u8], position: usize) -> Result<KeyDigest, KeySetError> {
    digest(key, Some(position))
}

fn digest(key: &[u8], position: Option<usize>) -> Result<KeyDigest, KeySetError> {
    let which = position.map_or_else(
        || "the key".to_owned(),
        |position| format!("key number {position}"),
    );
    let error = |kind, what| KeySetError::new(kind, format!("{which} {what}")).at(position);
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

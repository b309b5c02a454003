//! Whether a key that somebody else made is fit to be one of ours.

use std::error::Error;
use std::fmt;

use super::token::is_b64token;
use super::well_known::{is_well_known, may_be_strong};
use crate::key::InvalidKey;

/// Why a key that somebody else made is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnfitKey {
    /// It is no key.
    Invalid(InvalidKey),
    /// Documentation and examples use it, and everybody knows it.
    WellKnown,
    /// It cannot have 128 random bits, and could be guessed from its digest.
    Weak,
    /// It has characters which no client can present a token with.
    NotPresentable,
}

pub(crate) fn check(key: &[u8]) -> Result<(), UnfitKey> {
    if is_well_known(key) {
        return Err(UnfitKey::WellKnown);
    }
    crate::key::check(key).map_err(UnfitKey::Invalid)?;
    if !is_b64token(key) {
        return Err(UnfitKey::NotPresentable);
    }
    if !may_be_strong(key) {
        return Err(UnfitKey::Weak);
    }
    Ok(())
}

impl fmt::Display for UnfitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => why.fmt(f),
            Self::WellKnown => f.write_str("the key is one that everybody knows; make a new one"),
            Self::Weak => {
                f.write_str("the key is too weak: take at least 22 random letters and digits")
            }
            Self::NotPresentable => {
                f.write_str("the key has other characters than A-Z a-z 0-9 - . _ ~ + /")
            }
        }
    }
}

impl Error for UnfitKey {}

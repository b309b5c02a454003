//! Whether a key that was made elsewhere is fit to let somebody in.

use std::error::Error;
use std::fmt;

use super::digest::KeyDigest;
use super::well_known::{is_well_known, may_be_strong};
use crate::inbound::location::is_b64token;
use crate::key::InvalidKey;

/// Why a key that was made elsewhere is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnfitKey {
    /// It is no key.
    NoKey(InvalidKey),
    /// Documentation and examples use it, and everybody knows it.
    WellKnown,
    /// It has characters which no client can present a token with.
    NotPresentable,
    /// It cannot have 128 random bits, and could be guessed from its digest.
    Weak,
}

impl KeyDigest {
    /// The digest of a key that was made elsewhere, if it may let somebody in.
    pub(crate) fn of_foreign(key: &[u8]) -> Result<Self, UnfitKey> {
        if is_well_known(key) {
            return Err(UnfitKey::WellKnown);
        }
        crate::key::check(key).map_err(UnfitKey::NoKey)?;
        if !is_b64token(key) {
            return Err(UnfitKey::NotPresentable);
        }
        if !may_be_strong(key) {
            return Err(UnfitKey::Weak);
        }
        Ok(Self::of(key))
    }
}

impl fmt::Display for UnfitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey(why) => write!(f, "{why}"),
            Self::WellKnown => f.write_str("the key is one that everybody knows; make a new one"),
            Self::NotPresentable => {
                f.write_str("the key has other characters than A-Z a-z 0-9 - . _ ~ + /")
            }
            Self::Weak => {
                f.write_str("the key is too weak: take at least 22 random letters and digits")
            }
        }
    }
}

impl Error for UnfitKey {}

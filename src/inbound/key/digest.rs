//! The digest of a token: all that a server stores of a key.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base16ct::{HexDisplay, lower};
use sha2::{Digest, Sha256};

use crate::parse_error::{ParseError, ParseErrorKind};

/// The SHA-256 digest of a whole token: what a server stores of a key.
///
/// There is no salt and no slow hash: a key of 128 random bits cannot be guessed, and a digest that
/// is the same each time is found in one step. Equality takes constant time. A map hashes eight of
/// its bytes under a random seed, so that callers cannot tell where a digest lies.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::KeyDigest;
///
/// let digest = KeyDigest::of(b"trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ0oSYWS");
/// let text = "sha256:90162dac8387f2db1e7ee892f39e78edf0f238f4e332f8ee865bf0d1a738906a";
/// assert_eq!(text.parse(), Ok(digest));
/// assert_eq!(digest.to_text(), text);
/// assert_eq!(format!("{digest:?}"), "KeyDigest([REDACTED])");
/// ```
#[derive(Clone, Copy)]
pub struct KeyDigest([u8; 32]);

const TAG: &str = "sha256:";

impl KeyDigest {
    /// Returns the digest of a token as a client presents it.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Returns the digest as stores write it.
    ///
    /// Keep it out of logs: whoever has it can check a guess of the key.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{TAG}{:x}", HexDisplay(&self.0))
    }
}

impl FromStr for KeyDigest {
    type Err = ParseError;

    /// Parses `sha256:` and 64 hexadecimal digits. Upper case is an error: a digest has one text.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        const INVALID: ParseError = ParseError::new(ParseErrorKind::Digest);
        let hex = text.strip_prefix(TAG).ok_or(INVALID)?;
        let mut digest = [0; 32];
        let decoded = lower::decode(hex, &mut digest).map_err(|_| INVALID)?;
        // The decoder takes fewer digits than there is room for.
        if decoded.len() < digest.len() {
            return Err(INVALID);
        }
        Ok(Self(digest))
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        // Constant time: how long a look-up takes must not tell how much of a digest was right.
        constant_time_eq::constant_time_eq_32(&self.0, &other.0)
    }
}

impl Eq for KeyDigest {}

impl Hash for KeyDigest {
    /// Hashes the first eight bytes, which are as random as all of them.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest([REDACTED])")
    }
}

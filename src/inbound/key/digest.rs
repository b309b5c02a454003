//! What is kept of a key: the digest of the whole token.

use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::well_known;

/// The SHA-256 digest of a whole token: what a server keeps of a key.
///
/// No salt and no slow hash: a key of 128 random bits cannot be guessed, and a digest that is the same
/// each time is found in one step. Equality takes constant time; a map hashes eight of its bytes under a
/// seed of its own, so that nobody outside can tell where a digest lies.
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
    /// The digest of a token as it is presented.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether it is that of a key which everybody knows.
    pub(crate) fn is_well_known(&self) -> bool {
        well_known::digests().contains(self)
    }

    /// The digest as stores write it. Not for logs: who has it can tell a guess from the key.
    #[must_use]
    pub fn to_text(&self) -> String {
        use fmt::Write;
        let mut text = String::with_capacity(TAG.len() + 64);
        text.push_str(TAG);
        for byte in self.0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl FromStr for KeyDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let hex = text.strip_prefix(TAG).ok_or(InvalidDigest(()))?.as_bytes();
        if hex.len() != 64 {
            return Err(InvalidDigest(()));
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(digest))
    }
}

/// Lower case only: one digest has one text.
const fn nibble(digit: u8) -> Result<u8, InvalidDigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(InvalidDigest(())),
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq::constant_time_eq_32(&self.0, &other.0)
    }
}

impl Eq for KeyDigest {}

impl Hash for KeyDigest {
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

/// Not a digest of the form `sha256:` and 64 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidDigest(());

impl fmt::Display for InvalidDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest is \"sha256:\" and 64 hexadecimal digits in lower case")
    }
}

impl Error for InvalidDigest {}

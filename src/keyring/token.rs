//! The format of a key that is made here: `trk_<id:12>_<secret:43><checksum:6>`.

use std::error::Error;
use std::fmt;

use zeroize::Zeroizing;

use crate::inbound::{KeyDigest, KeyId};
use crate::secret::Secret;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX: &str = "trk";
const ID: usize = 12;
/// 43 digits of base 62 are 256 bits.
const SECRET: usize = 43;
/// 6 digits of base 62 hold a CRC-32.
const CHECKSUM: usize = 6;

/// A key that was just made. Its token is shown once; a server keeps its digest.
///
/// ```
/// use tower_rotating_auth::{KeyDigest, NewKey};
///
/// let key = NewKey::generate()?;
/// let token = key.token().expose_secret();
/// assert!(token.starts_with(format!("trk_{}_", key.id()).as_bytes()));
/// assert_eq!(KeyDigest::of(token), key.digest());
/// assert!(NewKey::has_checksum(token));
/// # Ok::<_, tower_rotating_auth::NoRandomness>(())
/// ```
pub struct NewKey {
    id: KeyId,
    token: Secret,
}

impl NewKey {
    /// Makes a key of 256 random bits from the operating system's generator.
    ///
    /// # Errors
    ///
    /// When that generator fails: there is no key then, rather than a weak one.
    pub fn generate() -> Result<Self, NoRandomness> {
        Self::generate_from(|bytes| getrandom::fill(bytes).map_err(|_| NoRandomness(())))
    }

    fn generate_from(
        mut fill: impl FnMut(&mut [u8]) -> Result<(), NoRandomness>,
    ) -> Result<Self, NoRandomness> {
        let mut id = [0; ID];
        let mut secret = Zeroizing::new([0; SECRET]);
        random_digits(&mut id, &mut fill)?;
        random_digits(&mut *secret, &mut fill)?;
        let length = PREFIX.len() + 1 + ID + 1 + SECRET + CHECKSUM;
        let mut token = Zeroizing::new(Vec::with_capacity(length));
        token.extend_from_slice(PREFIX.as_bytes());
        token.push(b'_');
        token.extend_from_slice(&id);
        token.push(b'_');
        token.extend_from_slice(&*secret);
        let checksum = checksum(&token);
        token.extend_from_slice(&checksum);
        Ok(Self {
            id: KeyId::of_digits(&id),
            token: Secret::new(token.to_vec()),
        })
    }

    /// The key's public name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key itself, to be handed to the client, once.
    #[must_use]
    pub const fn token(&self) -> &Secret {
        &self.token
    }

    /// What a server keeps of it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.token.expose_secret())
    }

    /// Whether a token ends in the checksum of what stands before it. Anybody can compute it: it tells a
    /// typing error from a key, and a key from what only looks like one.
    #[must_use]
    pub fn has_checksum(token: &[u8]) -> bool {
        token
            .split_last_chunk::<CHECKSUM>()
            .is_some_and(|(body, sum)| *sum == checksum(body))
    }
}

/// Fills with digits, each as likely as any other: a byte that would favour the first ones is thrown away.
fn random_digits(
    digits: &mut [u8],
    fill: &mut impl FnMut(&mut [u8]) -> Result<(), NoRandomness>,
) -> Result<(), NoRandomness> {
    const FAIR: u8 = 248; // the largest multiple of 62 that a byte holds
    let mut random = Zeroizing::new([0; 64]);
    let mut left = random.len();
    for digit in digits {
        loop {
            if left == random.len() {
                fill(&mut *random)?;
                left = 0;
            }
            let byte = random[left];
            left += 1;
            if byte < FAIR {
                *digit = ALPHABET[usize::from(byte % 62)];
                break;
            }
        }
    }
    Ok(())
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        // A remainder of 62 is below 62.
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

impl NewKey {
    /// Whether a token is not one that was made here with a typing error in it. Tokens of other makers pass.
    #[must_use]
    pub fn is_plausible(token: &[u8]) -> bool {
        !token.starts_with(b"trk_") || Self::has_checksum(token)
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The operating system's generator of random numbers failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness(());

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system has no random numbers to give")
    }
}

impl Error for NoRandomness {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_test_vector_holds() {
        let body = b"trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";
        assert_eq!(crc32fast::hash(body), 0x2c71_4ca4);
        assert_eq!(&checksum(body), b"0oSYWS");
        assert!(NewKey::has_checksum(&[&body[..], b"0oSYWS"].concat()));
        assert!(!NewKey::has_checksum(&[&body[..], b"0oSYWT"].concat()));
        assert!(!NewKey::has_checksum(b"0oSYWS"[..5].as_ref()));
    }

    #[test]
    fn without_randomness_there_is_no_key() {
        let failed = NewKey::generate_from(|_| Err(NoRandomness(())));
        assert_eq!(failed.unwrap_err(), NoRandomness(()));
    }

    #[test]
    fn a_byte_that_would_favour_some_digits_is_thrown_away() {
        let key = NewKey::generate_from(|bytes| {
            for (n, byte) in bytes.iter_mut().enumerate() {
                *byte = if n % 2 == 0 { 255 } else { 61 };
            }
            Ok(())
        });
        let key = key.unwrap();
        assert!(
            key.token()
                .expose_secret()
                .starts_with(b"trk_zzzzzzzzzzzz_zzzz")
        );
    }
}

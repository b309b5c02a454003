//! A key that was just made.

use std::{fmt, io};

use zeroize::Zeroizing;

use super::checksum::checksum;
use super::digits::{from_the_system, random_digits};
use super::parsed::ParsedToken;
use super::prefix::Prefix;
use super::{ID, SECRET, TAIL, checksum};
use crate::inbound::{KeyDigest, KeyId};
use crate::parse_error::ParseErrorKind;
use crate::secret::Secret;

/// A key that was just made: `trk_<id>_<secret>`, with 256 random bits and a checksum.
///
/// Show its token once, to the client. A server keeps only the digest. There is no `Display`,
/// `Clone` or `Serialize`, and `Debug` shows only the id.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{inbound::KeyDigest, keyring::NewKey};
///
/// let key = NewKey::generate()?;
/// let token = key.token().expose_secret();
/// assert!(token.starts_with(format!("trk_{}_", key.id()).as_bytes()));
/// assert_eq!(KeyDigest::of(token), key.digest());
/// assert!(NewKey::has_checksum(token));
/// assert_eq!(format!("{key:?}"), format!("trk_{}_[redacted]", key.id()));
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct NewKey {
    prefix: Prefix,
    id: KeyId,
    token: Secret,
}

impl NewKey {
    /// Makes a key from 256 random bits of the operating system.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system returns no random numbers.
    pub fn generate() -> io::Result<Self> {
        Self::with_prefix(&Prefix::default())
    }

    /// Makes a key whose token starts with `prefix`.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system returns no random numbers.
    pub fn with_prefix(prefix: &Prefix) -> io::Result<Self> {
        Self::generate_from(prefix, from_the_system)
    }

    pub(crate) fn generate_from(
        prefix: &Prefix,
        mut fill: impl FnMut(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut id = [0; ID];
        let mut secret = Zeroizing::new([0; SECRET]);
        random_digits(&mut id, &mut fill)?;
        random_digits(&mut *secret, &mut fill)?;
        let mut token = Zeroizing::new(Vec::with_capacity(prefix.as_str().len() + TAIL));
        token.extend_from_slice(prefix.as_str().as_bytes());
        token.push(b'_');
        token.extend_from_slice(&id);
        token.push(b'_');
        token.extend_from_slice(&*secret);
        let checksum = checksum(&token);
        token.extend_from_slice(&checksum);
        Ok(Self {
            prefix: prefix.clone(),
            id: KeyId::of_digits(&id),
            token: Secret::new(token.to_vec()),
        })
    }

    /// Returns the id of the key, which is public.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the key itself. Give it to the client once.
    #[must_use]
    pub const fn token(&self) -> &Secret {
        &self.token
    }

    /// Returns the digest, which a server keeps.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.token.expose_secret())
    }

    /// Returns whether a token ends in the right checksum.
    ///
    /// Anybody can compute the checksum. It tells a typing error from an unknown key, and does not
    /// prove that a token is a key.
    #[must_use]
    pub fn has_checksum(token: &[u8]) -> bool {
        checksum::holds(token)
    }

    /// Returns `false` for a token of this format with a typing error, and `true` for any other
    /// token.
    #[must_use]
    pub fn is_plausible(token: &[u8]) -> bool {
        let is_mistyped = ParsedToken::parse(token)
            .is_err_and(|error| error.kind() == ParseErrorKind::TokenChecksum);
        let ours = token.starts_with(b"trk_") || is_mistyped;
        !ours || Self::has_checksum(token)
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_[redacted]", self.prefix, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::token::ALPHABET;

    #[test]
    fn no_key_without_randomness() {
        for given in 0..2 {
            let mut left = given;
            let failed = NewKey::generate_from(&Prefix::default(), |bytes| {
                bytes.fill(7);
                left -= 1;
                if left < 0 {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    Ok(())
                }
            });
            assert_eq!(
                failed.unwrap_err().kind(),
                io::ErrorKind::WouldBlock,
                "after {given}"
            );
        }
    }

    #[test]
    fn biased_bytes_are_dropped() {
        let key = NewKey::generate_from(&Prefix::default(), |bytes| {
            for (n, byte) in bytes.iter_mut().enumerate() {
                *byte = if n % 2 == 0 { 255 } else { 61 };
            }
            Ok(())
        });
        let key = key.unwrap();
        let token = key.token().expose_secret();
        assert!(token.starts_with(b"trk_zzzzzzzzzzzz_zzzz"));
    }

    #[test]
    fn mistyped_token_is_not_plausible() {
        for prefix in ["trk", "sk-acme_live"] {
            let key = NewKey::with_prefix(&prefix.parse().unwrap()).unwrap();
            let mut token = key.token().expose_secret().to_vec();
            assert!(NewKey::is_plausible(&token));
            let last = token.len() - 1;
            token[last] = if token[last] == b'0' { b'1' } else { b'0' };
            assert!(!NewKey::is_plausible(&token));
        }
        assert!(!NewKey::is_plausible(b"trk_short"));
        assert!(NewKey::is_plausible(b"sk-proj-8Zk1tQ0mVd7RyXw3LpHs5N"));
    }

    /// What the statistic is expected to stay below but for one of a thousand million runs, by the
    /// approximation of Wilson and Hilferty (6.6 standard deviations: there are 55 places, each
    /// judged by itself).
    fn most(degrees: f64, deviations: f64) -> f64 {
        let part = 2.0 / (9.0 * degrees);
        degrees * (1.0 - part + deviations * part.sqrt()).powi(3)
    }

    fn chi_square(drawn: &[u32; 62]) -> f64 {
        let expected = f64::from(drawn.iter().sum::<u32>()) / 62.0;
        let square = |count: &u32| (f64::from(*count) - expected).powi(2) / expected;
        drawn.iter().map(square).sum()
    }

    #[test]
    fn digits_are_uniform_in_each_place() {
        let start = Prefix::default().as_str().len() + 1;
        let places: Vec<usize> = (start..start + ID)
            .chain((start + ID + 1..).take(SECRET))
            .collect();
        let mut value_of = [62; 256];
        for (value, digit) in ALPHABET.iter().enumerate() {
            value_of[usize::from(*digit)] = value;
        }
        let mut drawn = vec![[0_u32; 62]; places.len()];
        for _ in 0..100_000 {
            let key = NewKey::generate().unwrap();
            let token = key.token().expose_secret();
            for (drawn, place) in drawn.iter_mut().zip(&places) {
                drawn[value_of[usize::from(token[*place])]] += 1;
            }
        }
        let mut together = [0; 62];
        for (place, drawn) in places.iter().zip(&drawn) {
            let statistic = chi_square(drawn);
            assert!(statistic < most(61.0, 6.6), "place {place}: {statistic}");
            for (all, one) in together.iter_mut().zip(drawn) {
                *all += one;
            }
        }
        let statistic = chi_square(&together);
        assert!(statistic < most(61.0, 6.0), "{statistic}");
    }
}

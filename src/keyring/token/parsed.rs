//! The public parts of a token.

use super::prefix::Prefix;
use super::{ID, TAIL, checksum};
use crate::inbound::KeyId;
use crate::parse_error::{ParseError, ParseErrorKind};

/// The public parts of a token in the format of [`NewKey`](crate::keyring::NewKey): its prefix and
/// its id.
///
/// Use it for reports of leaked keys, and to tell a typing error from an unknown key. Anybody can
/// write such a token; parsing does not prove that it is a key.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{ParseErrorKind, keyring::ParsedToken};
///
/// let token = b"trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ0oSYWS";
/// let parsed = ParsedToken::parse(token)?;
/// assert_eq!(parsed.prefix().as_str(), "trk");
/// assert_eq!(parsed.id().as_str(), "0123456789AB");
///
/// let mistyped: &[u8] = b"trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOQP0oSYWS";
/// let kind = |token| ParsedToken::parse(token).unwrap_err().kind();
/// assert_eq!(kind(mistyped), ParseErrorKind::TokenChecksum);
/// assert_eq!(kind(b"sk-1234"), ParseErrorKind::Token);
/// # Ok::<_, tower_rotating_auth::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedToken {
    prefix: Prefix,
    id: KeyId,
}

impl ParsedToken {
    /// Parses a token.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`ParseErrorKind::Token`] if the token has another format,
    /// and [`ParseErrorKind::TokenChecksum`] if its checksum does not match.
    pub fn parse(token: &[u8]) -> Result<Self, ParseError> {
        let parsed = Self::parse_shape(token).ok_or(ParseError::new(ParseErrorKind::Token))?;
        if checksum::holds(token) {
            Ok(parsed)
        } else {
            Err(ParseError::new(ParseErrorKind::TokenChecksum))
        }
    }

    fn parse_shape(token: &[u8]) -> Option<Self> {
        let (prefix, tail) = token.split_at_checked(token.len().checked_sub(TAIL)?)?;
        let (id, secret) = tail.strip_prefix(b"_")?.split_at_checked(ID)?;
        let secret = secret.strip_prefix(b"_")?;
        let are_digits = |part: &[u8]| part.iter().all(u8::is_ascii_alphanumeric);
        if !are_digits(id) || !are_digits(secret) {
            return None;
        }
        Some(Self {
            prefix: std::str::from_utf8(prefix).ok()?.parse().ok()?,
            id: KeyId::of_digits(id),
        })
    }

    /// Returns the prefix.
    #[must_use]
    pub const fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// Returns the id of the key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keyring::token::new_key::NewKey;

    const VECTOR: &[u8] = b"trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ0oSYWS";

    fn prefixes() -> impl Strategy<Value = String> {
        "(sk-)?[a-z][a-z0-9]{1,9}(_[a-z][a-z0-9]{1,9})?"
    }

    proptest! {
        #[test]
        fn generated_token_parses(prefix in prefixes()) {
            let prefix: Prefix = prefix.parse().unwrap();
            let key = NewKey::with_prefix(&prefix).unwrap();
            let parsed = ParsedToken::parse(key.token().expose_secret()).unwrap();
            prop_assert_eq!((parsed.prefix(), parsed.id()), (&prefix, key.id()));
        }

        #[test]
        fn any_single_typing_error_is_detected(at in 0..VECTOR.len(), byte in any::<u8>()) {
            let mut token = VECTOR.to_vec();
            let right = std::mem::replace(&mut token[at], byte);
            prop_assert_eq!(ParsedToken::parse(&token).is_ok(), byte == right);
        }

        #[test]
        fn random_bytes_are_not_a_token(token in prop::collection::vec(any::<u8>(), 0..90)) {
            prop_assert_eq!(ParsedToken::parse(&token), Err(ParseError::new(ParseErrorKind::Token)));
        }
    }

    #[test]
    fn missing_or_extra_character_is_detected() {
        assert!(ParsedToken::parse(&VECTOR[1..]).is_err());
        assert!(ParsedToken::parse(&VECTOR[..VECTOR.len() - 1]).is_err());
        assert!(ParsedToken::parse(&[b"t", VECTOR].concat()).is_err());
        assert!(ParsedToken::parse(&[VECTOR, b"0"].concat()).is_err());
    }
}

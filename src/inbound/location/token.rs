//! What a client presents.

use std::fmt;

use super::found::Presented;
use crate::inbound::auth_error::AuthErrorKind;

/// The token of one request, well-formed: a `b64token` of
/// [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1) and not too long. Whether it is valid is another question.
///
/// It borrows from the request where it can; what had to be decoded is wiped from memory when dropped.
pub struct Token<'a> {
    bytes: Presented<'a>,
    location_index: usize,
}

impl<'a> Token<'a> {
    pub(crate) fn checked(
        bytes: Presented<'a>,
        location_index: usize,
        max_len: usize,
    ) -> Result<Self, AuthErrorKind> {
        if bytes.as_slice().len() > max_len {
            return Err(AuthErrorKind::TooLong);
        }
        if !is_b64token(bytes.as_slice()) {
            return Err(AuthErrorKind::Malformed);
        }
        Ok(Self {
            bytes,
            location_index,
        })
    }

    /// The token itself. Whoever calls this keeps it out of logs, errors and URLs.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Which location_index it was in: a position in [`KeyLocations::as_slice`](crate::inbound::KeyLocations::as_slice), the first one if it was in several.
    #[must_use]
    pub const fn location_index(&self) -> usize {
        self.location_index
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("location_index", &self.location_index)
            .finish_non_exhaustive()
    }
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(crate) fn is_b64token(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let (text, _) = bytes.split_at(bytes.len() - padding);
    // No early exit: the compiler checks many bytes at a time then.
    let all_fit = text
        .iter()
        .fold(true, |all_fit, byte| all_fit & is_b64token_byte(*byte));
    !text.is_empty() && all_fit
}

const fn is_b64token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_b64token_has_its_padding_at_the_end_and_nothing_but_its_alphabet_before() {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
        for byte in 0..=u8::MAX {
            let taken = alphabet.contains(&byte);
            assert_eq!(is_b64token(&[byte]), taken, "{byte:#04x} alone");
            assert_eq!(is_b64token(&[byte, b'k']), taken, "{byte:#04x} first");
            let last = taken || byte == b'=';
            assert_eq!(is_b64token(&[b'k', byte]), last, "{byte:#04x} last");
        }
        assert!(is_b64token(b"a2V5=="));
        for no in [&b""[..], b"=", b"==", b"=a", b"a=b", b"a=b="] {
            assert!(!is_b64token(no), "{}", no.escape_ascii());
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = Token::checked(Presented::AsSent(b"sk-1f0c"), 2, 512);
        assert_eq!(format!("{token:?}"), "Ok(Token { location_index: 2, .. })");
    }
}

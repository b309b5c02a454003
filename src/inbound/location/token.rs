//! The token of a request.

use std::fmt;

use super::content::Presented;
use crate::inbound::auth_error::AuthErrorKind;

/// The well-formed token of a request, not verified yet.
///
/// It is a `b64token` of [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1), and
/// not too long. It borrows from the request where it can. Bytes that had to be decoded are wiped
/// from memory on drop.
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

    /// Returns the token itself. Keep it out of logs, errors and URLs.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Returns the index of the token's location in
    /// [`KeyLocations::as_slice`](crate::inbound::KeyLocations::as_slice): the first one if it was
    /// in several.
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

/// Returns whether the bytes are `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(crate) fn is_b64token(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let (text, _) = bytes.split_at(bytes.len() - padding);
    // Without an early exit, the compiler checks many bytes at a time.
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
    fn b64token_takes_its_alphabet_and_padding_at_the_end() {
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
    fn debug_hides_the_token() {
        let token = Token::checked(Presented::AsSent(b"sk-1f0c"), 2, 512);
        assert_eq!(format!("{token:?}"), "Ok(Token { location_index: 2, .. })");
    }
}

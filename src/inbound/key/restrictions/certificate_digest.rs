//! The digest of a TLS client certificate.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::parse_error::{ParseError, ParseErrorKind};

/// The SHA-256 digest of a TLS client certificate: `x5t#S256` of
/// [RFC 8705 §3.1](https://www.rfc-editor.org/rfc/rfc8705#section-3.1).
///
/// It parses from base64url, as a JSON Web Token has it, and from 64 hexadecimal digits with or
/// without colons, as `openssl x509 -fingerprint -sha256` prints them. It is no secret.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::CertificateDigest;
///
/// let digest = CertificateDigest::of_der(b"certificate in DER");
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CertificateDigest([u8; 32]);

impl CertificateDigest {
    /// Returns the digest of a certificate in DER.
    #[must_use]
    pub fn of_der(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for CertificateDigest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let hexadecimal: String = text.chars().filter(|character| *character != ':').collect();
        let mut bytes = [0; 32];
        let is_hexadecimal = hexadecimal.len() == 64
            && base16ct::mixed::decode(hexadecimal.as_bytes(), &mut bytes).is_ok();
        if is_hexadecimal {
            return Ok(Self(bytes));
        }
        let decoded = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = decoded.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| ParseError::new(ParseErrorKind::CertificateDigest))
    }
}

/// Writes base64url without padding.
impl fmt::Display for CertificateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_parses_from_base64url_and_hexadecimal() {
        let digest = CertificateDigest::of_der(b"certificate");
        let plain: String = digest.0.iter().map(|byte| format!("{byte:02x}")).collect();
        let colons: Vec<_> = digest.0.iter().map(|byte| format!("{byte:02X}")).collect();
        for text in [digest.to_string(), plain, colons.join(":")] {
            assert_eq!(text.parse(), Ok(digest), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_digests() {
        for text in ["", "abc", &"0".repeat(63), &"g".repeat(64), &"A".repeat(44)] {
            let error = text.parse::<CertificateDigest>().unwrap_err();
            assert_eq!(error.kind(), ParseErrorKind::CertificateDigest, "{text}");
        }
    }
}

//! Errors of values that are parsed from text, such as names, digests, tokens and lifetimes.

use std::error::Error;
use std::fmt;

/// The greatest length of a name, in bytes: of keys, of clients, of operations.
pub(crate) const MAX_NAME_LEN: usize = 128;

/// The error of parsing a value from text. [`kind`](Self::kind) says which value.
///
/// It does not quote the text, which may be a key in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError(ParseErrorKind);

/// What a text was expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// A name of a key or a client: 1 to 128 visible ASCII characters.
    Id,
    /// A scope: visible ASCII characters other than `"` and `\`.
    Scope,
    /// A digest: `sha256:` and 64 lower-case hexadecimal digits.
    Digest,
    /// An idempotency key: 1 to 128 visible ASCII characters.
    IdempotencyKey,
    /// A network in CIDR notation, or an IP address.
    Network,
    /// The digest of a certificate: base64url, or hexadecimal digits.
    CertificateDigest,
    /// A lifetime: a number of seconds above zero.
    Lifetime,
    /// The prefix of a token: see [`Prefix`](crate::keyring::Prefix).
    Prefix,
    /// A token in the format of this crate. The text may still be a key of another maker.
    Token,
    /// A token with the right checksum: a character was changed or swapped.
    TokenChecksum,
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind) -> Self {
        Self(kind)
    }

    /// Returns what the text was expected to be.
    #[must_use]
    pub const fn kind(&self) -> ParseErrorKind {
        self.0
    }
}

/// Returns whether a text can be a name that is shown in logs and headers.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ParseErrorKind::Id => write!(
                f,
                "invalid name; use 1 to {MAX_NAME_LEN} visible ASCII characters without space"
            ),
            ParseErrorKind::Scope => {
                f.write_str("invalid scope; use visible ASCII without space, quote and backslash")
            }
            ParseErrorKind::Digest => f.write_str(
                "invalid digest; use \"sha256:\" and 64 hexadecimal digits in lower case",
            ),
            ParseErrorKind::IdempotencyKey => write!(
                f,
                "invalid idempotency key; \
                 use 1 to {MAX_NAME_LEN} visible ASCII characters without space"
            ),
            ParseErrorKind::Network => f.write_str(
                "invalid network; use an IP address, or a network such as 10.0.0.0/8 whose \
                 address has no bits beyond the prefix",
            ),
            ParseErrorKind::CertificateDigest => f.write_str(
                "invalid digest of a certificate; use its SHA-256 in base64url or as 64 \
                 hexadecimal digits",
            ),
            ParseErrorKind::Lifetime => {
                f.write_str("the lifetime is not a number of seconds above zero")
            }
            ParseErrorKind::Prefix => f.write_str(
                "invalid prefix; use 2 to 10 lower-case letters and digits that start with a \
                 letter, optionally followed by `_` and an environment of the same form, \
                 optionally after `sk-`",
            ),
            ParseErrorKind::Token => {
                f.write_str("the token does not have the format of the keys that are made here")
            }
            ParseErrorKind::TokenChecksum => {
                f.write_str("the token is mistyped: its checksum does not match; copy it again")
            }
        }
    }
}

impl Error for ParseError {}

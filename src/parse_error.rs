//! Errors of values that are parsed from text: names, scopes, digests, idempotency keys.

use std::error::Error;
use std::fmt;

/// The greatest length of a name, in bytes: of keys, of clients, of operations.
pub(crate) const MAX_NAME_LEN: usize = 128;

/// The error of parsing a [`KeyId`], [`ClientId`], [`Scope`], [`Scopes`], [`KeyDigest`] or
/// [`IdempotencyKey`].
///
/// It does not quote the text, which may be a key in the wrong place.
///
/// [`KeyId`]: crate::inbound::KeyId
/// [`ClientId`]: crate::inbound::ClientId
/// [`Scope`]: crate::inbound::Scope
/// [`Scopes`]: crate::inbound::Scopes
/// [`KeyDigest`]: crate::inbound::KeyDigest
/// [`IdempotencyKey`]: crate::keyring::IdempotencyKey
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
        }
    }
}

impl Error for ParseError {}

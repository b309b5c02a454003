//! Errors of tokens and their prefixes.

use std::error::Error;
use std::fmt;

/// An error that making or reading a token or a prefix returns. [`kind`](Self::kind) says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenError(TokenErrorKind);

/// What is wrong with a token or a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The text is not a [`Prefix`](crate::keyring::Prefix).
    InvalidPrefix,
    /// The random number generator of the operating system failed.
    NoRandomness,
    /// The token does not have the format of this crate. It may still be a key of another maker.
    OtherFormat,
    /// The token has the right format, but its checksum does not match: a character was changed or
    /// swapped.
    Mistyped,
}

impl TokenError {
    pub(crate) const fn new(kind: TokenErrorKind) -> Self {
        Self(kind)
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> TokenErrorKind {
        self.0
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            TokenErrorKind::InvalidPrefix => {
                "invalid prefix; use 2 to 10 lower-case letters and digits that start with a letter, optionally \
                 followed by `_` and an environment of the same form, optionally after `sk-`"
            }
            TokenErrorKind::NoRandomness => {
                "the operating system returned no random numbers; try again"
            }
            TokenErrorKind::OtherFormat => {
                "the token does not have the format of the keys that are made here"
            }
            TokenErrorKind::Mistyped => {
                "the token is mistyped: its checksum does not match; copy it again"
            }
        })
    }
}

impl Error for TokenError {}

//! The error of key sets: why keys, or the text that lists them, cannot be used.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::inbound::key::KeyId;
use crate::key::InvalidKey;

/// The error of making, reading or replacing a [`KeySet`](crate::inbound::KeySet), and of importing
/// a key.
///
/// It says where and what, and quotes nothing that may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetError {
    pub(super) kind: KeySetErrorKind,
    pub(super) message: Cow<'static, str>,
    pub(super) line: Option<usize>,
    pub(super) position: Option<usize>,
    pub(super) field: Option<&'static str>,
    pub(super) key_ids: Vec<KeyId>,
    pub(super) cause: Option<InvalidKey>,
}

/// What is wrong with a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeySetErrorKind {
    /// The text is not TOML of a key file's shape: see [`KeySetError::line`].
    Syntax,
    /// The key file has a version that this crate does not read.
    UnsupportedVersion,
    /// A field of the key file has a value that it cannot have: see [`KeySetError::field`].
    InvalidField,
    /// The key file holds a key itself, where its digest or a name belongs.
    PlainKey,
    /// The text is a key file, and the crate was built without the feature that reads those.
    FeatureDisabled,
    /// There is no key.
    Empty,
    /// Two keys have the same name: see [`KeySetError::key_ids`].
    DuplicateId,
    /// Two entries are for the same key: see [`KeySetError::key_ids`].
    DuplicateKey,
    /// A key would expire before it becomes valid: see [`KeySetError::key_ids`].
    NeverValid,
    /// A key is one that documentation and examples use, which everybody knows.
    WellKnown,
    /// A plain key is not a key at all: the [`InvalidKey`] is the source.
    InvalidKey,
    /// A plain key has characters that no client can present it with.
    NotPresentable,
    /// A plain key cannot have 128 random bits, and could be guessed from its digest.
    Weak,
    /// The key file is older than the one in force.
    Outdated,
    /// Each key has expired, is revoked, or belongs to a disabled client.
    AllEnded,
    /// No key is valid yet.
    NoneYetValid,
}

impl KeySetError {
    pub(super) fn new(kind: KeySetErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            line: None,
            position: None,
            field: None,
            key_ids: Vec::new(),
            cause: None,
        }
    }

    /// Says which client or key it is, by its position from 1.
    pub(super) fn at(mut self, position: impl Into<Option<usize>>) -> Self {
        self.position = position.into();
        self
    }

    /// Says which keys it is, by name.
    pub(super) fn of_keys(mut self, key_ids: impl Into<Vec<KeyId>>) -> Self {
        self.key_ids = key_ids.into();
        self
    }

    pub(super) fn caused_by(mut self, cause: InvalidKey) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Says first what the text was read as.
    pub(super) fn within(mut self, text: &str) -> Self {
        self.message = format!("{text}: {}", self.message).into();
        self
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> KeySetErrorKind {
        self.kind
    }

    /// Returns the line of the key file that is not TOML of its shape, from 1.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        self.line
    }

    /// Returns which `[[client]]`, `[[key]]` or plain key is wrong: its position, from 1.
    #[must_use]
    pub const fn position(&self) -> Option<usize> {
        self.position
    }

    /// Returns the field of the key file that has a wrong value.
    #[must_use]
    pub const fn field(&self) -> Option<&'static str> {
        self.field
    }

    /// Returns the names of the keys that are wrong, where they have names.
    #[must_use]
    pub fn key_ids(&self) -> &[KeyId] {
        &self.key_ids
    }
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for KeySetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

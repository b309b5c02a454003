//! The error of key sets: why keys, or the text that lists them, cannot be used.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::inbound::key::{ClientId, KeyId};
use crate::key::InvalidKey;

/// The error of making, reading or replacing a [`KeySet`](crate::inbound::KeySet) or the state of a
/// key ring, and of importing a key.
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
    pub(super) client_id: Option<ClientId>,
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
    /// Two clients have the same name: see [`KeySetError::client_id`].
    DuplicateClient,
    /// The client of a key does not exist: see [`KeySetError::client_id`].
    UnknownClient,
    /// A key has a scope that its client does not have: see [`KeySetError::key_ids`].
    ScopeExceedsClient,
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
    /// The serial of the state cannot be raised any more.
    LastSerial,
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
            client_id: None,
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

    /// Says which client it is, by name.
    pub(super) fn of_client(mut self, client_id: ClientId) -> Self {
        self.client_id = Some(client_id);
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

    pub(crate) fn empty() -> Self {
        let message = "there is no key in the set; add at least one";
        Self::new(KeySetErrorKind::Empty, message)
    }

    pub(crate) fn duplicate_id(id: KeyId) -> Self {
        let message = format!("two keys are named {id}; give each a name of its own");
        Self::new(KeySetErrorKind::DuplicateId, message).of_keys([id])
    }

    pub(crate) fn duplicate_key(one: KeyId, other: KeyId) -> Self {
        let message = format!("{one} and {other} are the same key; remove one of them");
        Self::new(KeySetErrorKind::DuplicateKey, message).of_keys([one, other])
    }

    pub(crate) fn duplicate_client(id: ClientId) -> Self {
        let message = format!("two clients are named {id}; give each a name of its own");
        Self::new(KeySetErrorKind::DuplicateClient, message).of_client(id)
    }

    pub(crate) fn unknown_client(key: KeyId, client: ClientId) -> Self {
        let message = format!(
            "the key {key} belongs to the client {client}, which does not exist; add the client"
        );
        Self::new(KeySetErrorKind::UnknownClient, message)
            .of_keys([key])
            .of_client(client)
    }

    pub(crate) fn scope_exceeds_client(key: KeyId) -> Self {
        let message = format!(
            "the key {key} has scopes that its client does not have; give them to the client first"
        );
        Self::new(KeySetErrorKind::ScopeExceedsClient, message).of_keys([key])
    }

    pub(crate) fn never_valid(id: KeyId) -> Self {
        let message =
            format!("the key {id} would expire before it becomes valid; correct its times");
        Self::new(KeySetErrorKind::NeverValid, message).of_keys([id])
    }

    pub(crate) fn well_known(id: KeyId) -> Self {
        let message = format!("the key {id} is one that everybody knows; generate a new one");
        Self::new(KeySetErrorKind::WellKnown, message).of_keys([id])
    }

    pub(crate) fn last_serial() -> Self {
        let message = "the serial cannot be raised any more; set a lower one";
        Self::new(KeySetErrorKind::LastSerial, message)
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> KeySetErrorKind {
        self.kind
    }

    /// Returns the line of the key file that is wrong, from 1, where it is known.
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

    /// Returns the name of the client that is there twice, or not at all.
    #[must_use]
    pub const fn client_id(&self) -> Option<&ClientId> {
        self.client_id.as_ref()
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

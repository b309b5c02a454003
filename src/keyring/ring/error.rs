//! Errors of a key ring.

use std::error::Error;
use std::fmt;
use std::io;

use crate::inbound::KeyId;
use crate::keyring::decide::NotAllowed;
use crate::keyring::store::StoreError;

/// An error that a key ring returns. [`kind`](Self::kind) says which.
///
/// Nothing has changed, unless the kind is [`KeyRingErrorKind::Unknown`]. `Debug` prints the
/// message and its causes, so that `fn main() -> Result<(), KeyRingError>` is readable.
pub struct KeyRingError {
    kind: KeyRingErrorKind,
    cause: Cause,
    /// The new key that may be in the store.
    key: Option<KeyId>,
}

/// What went wrong in a key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRingErrorKind {
    /// The operation is not allowed; [`KeyRingError::not_allowed`] returns the reason.
    NotAllowed,
    /// The store could not be read or written.
    Store,
    /// The store failed and cannot say whether it has written, or it did not answer in time and may
    /// still write. The ring keeps its keys, and reads the store again before the next operation.
    Unknown,
    /// The store has gone back to a lower serial. Accepting it could bring a revoked key back.
    OlderState,
    /// Other processes kept writing to the store at the same time.
    Conflict,
    /// The operating system returned no random numbers to make a key from.
    NoRandomness,
    /// The task of the ring is gone, together with its runtime.
    Stopped,
    /// The ring was started outside a tokio runtime.
    NoRuntime,
}

impl KeyRingErrorKind {
    /// Returns the kind in a word or two, for logs. These words are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::Store => "store",
            Self::Unknown => "unknown",
            Self::OlderState => "older_state",
            Self::Conflict => "conflict",
            Self::NoRandomness => "no_randomness",
            Self::Stopped => "stopped",
            Self::NoRuntime => "no_runtime",
        }
    }
}

enum Cause {
    None,
    NotAllowed(Box<NotAllowed>),
    Store(StoreError),
    Randomness(io::Error),
    Older { current: u64, offered: u64 },
}

impl KeyRingError {
    const fn new(kind: KeyRingErrorKind, cause: Cause) -> Self {
        Self {
            kind,
            cause,
            key: None,
        }
    }

    /// Names the new key that the operation was to write, if it may have.
    pub(crate) fn of_new_key(mut self, id: &KeyId) -> Self {
        if matches!(
            self.kind,
            KeyRingErrorKind::Unknown | KeyRingErrorKind::Stopped
        ) {
            self.key = Some(id.clone());
        }
        self
    }

    pub(crate) const fn store(error: StoreError) -> Self {
        Self::new(KeyRingErrorKind::Store, Cause::Store(error))
    }

    pub(crate) const fn unknown(error: StoreError) -> Self {
        Self::new(KeyRingErrorKind::Unknown, Cause::Store(error))
    }

    pub(crate) const fn older_state(offered: u64, current: u64) -> Self {
        let cause = Cause::Older { current, offered };
        Self::new(KeyRingErrorKind::OlderState, cause)
    }

    pub(crate) const fn conflict() -> Self {
        Self::new(KeyRingErrorKind::Conflict, Cause::None)
    }

    pub(crate) const fn no_randomness(error: io::Error) -> Self {
        Self::new(KeyRingErrorKind::NoRandomness, Cause::Randomness(error))
    }

    pub(crate) const fn stopped() -> Self {
        Self::new(KeyRingErrorKind::Stopped, Cause::None)
    }

    pub(crate) const fn no_runtime() -> Self {
        Self::new(KeyRingErrorKind::NoRuntime, Cause::None)
    }

    /// Returns what went wrong.
    #[must_use]
    pub const fn kind(&self) -> KeyRingErrorKind {
        self.kind
    }

    /// Returns the id of the new key that the store may hold although the operation failed.
    ///
    /// Its token is lost unless the caller had it before. Revoke the key if [`KeyRing::list`] shows
    /// it.
    ///
    /// [`KeyRing::list`]: crate::keyring::KeyRing::list
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.key.as_ref()
    }

    /// Returns why the operation is not allowed, if the kind is [`KeyRingErrorKind::NotAllowed`].
    #[must_use]
    pub const fn not_allowed(&self) -> Option<&NotAllowed> {
        match &self.cause {
            Cause::NotAllowed(reason) => Some(reason),
            _ => None,
        }
    }
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Cause::Older { current, offered } = self.cause {
            return write!(
                f,
                "the store is at serial {offered}, older than the current serial {current}; put the newer state back, \
                 or restart to accept the older one"
            );
        }
        if let (Some(key), KeyRingErrorKind::Unknown) = (&self.key, self.kind) {
            return write!(
                f,
                "the store failed and may have written the key {key}, or may still write it; list the keys, and \
                 revoke {key} if it is there"
            );
        }
        f.write_str(match self.kind {
            KeyRingErrorKind::NotAllowed => "the operation is not allowed",
            KeyRingErrorKind::Store => "the store failed; nothing has changed",
            KeyRingErrorKind::Unknown => {
                "the store failed and may have written the change, or may still write it; list the keys before you try \
                 again"
            }
            KeyRingErrorKind::OlderState => "the store has gone back to an older state",
            KeyRingErrorKind::Conflict => {
                "other processes keep writing to the store; nothing has changed, try again"
            }
            KeyRingErrorKind::NoRandomness => "no key could be made; nothing has changed",
            KeyRingErrorKind::Stopped => "the key ring has stopped, together with its runtime",
            KeyRingErrorKind::NoRuntime => "no tokio runtime; start the key ring in one",
        })
    }
}

impl fmt::Debug for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let mut next = self.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl Error for KeyRingError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::NotAllowed(reason) => Some(&**reason),
            Cause::Store(error) => Some(error),
            Cause::Randomness(error) => Some(error),
            Cause::None | Cause::Older { .. } => None,
        }
    }
}

impl From<NotAllowed> for KeyRingError {
    fn from(reason: NotAllowed) -> Self {
        Self::new(
            KeyRingErrorKind::NotAllowed,
            Cause::NotAllowed(Box::new(reason)),
        )
    }
}

//! Where new keys are delivered.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;

use crate::inbound::KeyDigest;
use crate::keyring::token::NewKey;

/// Where a [`Rotator`](crate::keyring::Rotator) delivers new keys: a file that the client reads ([`FileSink`](crate::keyring::FileSink)), a
/// secret store, the environment of a container ([`sink_fn`](crate::keyring::sink_fn): two closures).
///
/// Implement it with `async fn`. A sink can say what it holds, since a process that starts again has to know whether a key
/// was delivered before it ended: the ring does not know that, and has no token to deliver it again.
pub trait Sink: Send + 'static {
    /// Puts the key where the client finds it, whole or not at all, in the place of the one before.
    ///
    /// # Errors
    ///
    /// When it could not be put there. It is tried again with the same key.
    fn deliver(&mut self, key: &NewKey) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// The digest of the key that is there now, if there is one.
    ///
    /// # Errors
    ///
    /// When that cannot be told. Nothing is done then, since a key that is in use could be taken for one that is not.
    fn held(&mut self) -> impl Future<Output = Result<Option<KeyDigest>, SinkError>> + Send;
}

/// An error that a [`Sink`] returns. [`kind`](Self::kind) says which.
///
/// Its text and its source are logged: keep keys and digests out of both.
#[derive(Debug)]
pub struct SinkError {
    kind: SinkErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What went wrong in a [`Sink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkErrorKind {
    /// The key could not be delivered, or the sink could not say which one it holds.
    Failed,
    /// Another rotator delivers to the same place.
    InUse,
}

impl SinkError {
    /// Creates an error of kind [`SinkErrorKind::Failed`]. The message says what was attempted, and
    /// what to do about it.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of_kind(SinkErrorKind::Failed, message)
    }

    /// Creates an error of kind [`SinkErrorKind::InUse`].
    pub fn in_use(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of_kind(SinkErrorKind::InUse, message)
    }

    fn of_kind(kind: SinkErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Sets the cause, which [`Error::source`] returns.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns what went wrong.
    #[must_use]
    pub const fn kind(&self) -> SinkErrorKind {
        self.kind
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

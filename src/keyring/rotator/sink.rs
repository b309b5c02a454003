//! The trait of sinks, and their errors.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;

use crate::inbound::KeyDigest;
use crate::keyring::token::NewKey;

/// A place to which a [`Rotator`](crate::keyring::Rotator) delivers new keys.
///
/// [`FileSink`](crate::keyring::FileSink) is a file that the client reads. Use
/// [`sink_fn`](crate::keyring::sink_fn) with two closures for a secret store, or implement the
/// trait with `async fn`.
///
/// A sink must know which key it holds. A process that starts again has to know whether a key was
/// delivered before it ended: the ring does not know, and cannot deliver the key again.
pub trait Sink: Send + 'static {
    /// Delivers the key, and replaces the one before atomically.
    ///
    /// # Errors
    ///
    /// Returns a [`SinkError`] if the key was not delivered. The rotator tries again with the same
    /// key.
    fn deliver(&mut self, key: &NewKey) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// Returns the digest of the key that the sink holds, if there is one.
    ///
    /// # Errors
    ///
    /// Returns a [`SinkError`] if the sink cannot say. The rotator then changes nothing, since it
    /// could revoke a key that is in use.
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

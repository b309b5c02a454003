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

/// Why a key could not be delivered, or it cannot be told which one was.
///
/// Whoever makes one keeps keys and digests out of its text and out of its cause: both are logged.
#[derive(Debug)]
pub struct SinkError {
    message: Cow<'static, str>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl SinkError {
    /// An error that says what was attempted, and what to do about it.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            cause: None,
        }
    }

    /// Adds what caused it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

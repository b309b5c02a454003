//! The trait of sinks.

use std::future::Future;

use crate::inbound::KeyDigest;
use crate::keyring::store::StoreError;
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
    /// Returns a [`StoreError`] if the key was not delivered. The rotator tries again with the same
    /// key.
    fn deliver(&mut self, key: &NewKey) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns the digest of the key that the sink holds, if there is one.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if the sink cannot say. The rotator then changes nothing, since it
    /// could revoke a key that is in use.
    fn held(&mut self) -> impl Future<Output = Result<Option<KeyDigest>, StoreError>> + Send;
}

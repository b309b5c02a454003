//! A sink made of two closures.

use std::fmt;
use std::future::Future;

use super::sink::Sink;
use crate::inbound::{KeyDigest, KeyId};
use crate::keyring::store::StoreError;
use crate::keyring::token::NewKey;
use crate::secret::Secret;

/// Creates a sink from two closures. See [`Sink`] for what each one must do.
///
/// `deliver` gets the id and the token of the key to deliver. `held` returns the digest of the key
/// that is there now.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
/// use tower_rotating_auth::{
///     Secret,
///     inbound::KeyDigest,
///     keyring::{KeyRing, IssueRequest, MemoryStore, Rotator, sink_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // In a program: a secret store on the network.
/// let vault = Arc::new(Mutex::new(HashMap::<&str, Secret>::new()));
/// let (into, from) = (Arc::clone(&vault), Arc::clone(&vault));
/// let sink = sink_fn(
///     move |_id, token| {
///         let into = Arc::clone(&into);
///         async move {
///             into.lock().unwrap().insert("batch", token);
///             Ok(())
///         }
///     },
///     move || {
///         let from = Arc::clone(&from);
///         async move {
///             let vault = from.lock().unwrap();
///             Ok(vault.get("batch").map(|token| KeyDigest::of(token.expose_secret())))
///         }
///     },
/// );
///
/// let ring = KeyRing::start(MemoryStore::default()).await?;
/// let request = IssueRequest::new("batch".parse()?).or_new_client("chat:write".parse()?);
/// Rotator::new(ring.clone(), request, sink).catch_up().await?;
/// let digest = KeyDigest::of(vault.lock().unwrap()["batch"].expose_secret());
/// assert_eq!(ring.state().key_of(&digest).unwrap().client().as_str(), "batch");
/// # Ok(())
/// # }
/// ```
pub const fn sink_fn<D, H>(deliver: D, held: H) -> SinkFn<D, H> {
    SinkFn { deliver, held }
}

/// A sink made of two closures. Returned by [`sink_fn`].
#[derive(Clone, Copy)]
pub struct SinkFn<D, H> {
    deliver: D,
    held: H,
}

impl<D, Delivering, H, Reading> Sink for SinkFn<D, H>
where
    D: FnMut(KeyId, Secret) -> Delivering + Send + 'static,
    Delivering: Future<Output = Result<(), StoreError>> + Send,
    H: FnMut() -> Reading + Send + 'static,
    Reading: Future<Output = Result<Option<KeyDigest>, StoreError>> + Send,
{
    async fn deliver(&mut self, key: &NewKey) -> Result<(), StoreError> {
        let token = Secret::new(key.token().expose_secret().to_vec());
        (self.deliver)(key.id().clone(), token).await
    }

    async fn held(&mut self) -> Result<Option<KeyDigest>, StoreError> {
        (self.held)().await
    }
}

impl<D, H> fmt::Debug for SinkFn<D, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkFn").finish_non_exhaustive()
    }
}

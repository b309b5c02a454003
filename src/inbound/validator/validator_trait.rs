//! The trait of validators, and their results.

use std::future::Future;
use std::time::Duration;

use crate::inbound::key::KeyRecord;
use crate::secret::Secret;

/// A judge of tokens that are no keys of the set: JSON Web Tokens, or tokens of a remote service.
///
/// Give it to [`RequireKeyLayer::validator`](crate::inbound::RequireKeyLayer::validator), whose
/// layer asks it about well-formed tokens that the key set does not know, on routes where a key
/// counts. The example `jwt` validates JSON Web Tokens.
///
/// The layer does not cache results. Whoever sends many wrong tokens has the validator asked as
/// often: limit the rate of requests outside, or what the validator does for each.
///
/// A token that is accepted has a [`Used`](crate::inbound::EventKind::Used) event once a minute, by
/// its client and its id, so give each token an id of its own.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_rotating_auth::Secret;
/// use tower_rotating_auth::inbound::{KeyRecord, Validator, Validity};
///
/// struct Introspection;
///
/// # impl Introspection {
/// #     async fn ask(&self, _: &Secret) -> Result<Option<String>, ()> { Ok(None) }
/// # }
/// impl Validator for Introspection {
///     async fn validate(&self, token: &Secret) -> Validity {
///         match self.ask(token).await {
///             Ok(Some(client)) => match (client.parse(), "introspected".parse()) {
///                 (Ok(client), Ok(id)) => {
///                     Validity::Valid(KeyRecord::new(id, client, Default::default()))
///                 }
///                 _ => Validity::Invalid,
///             },
///             Ok(None) => Validity::Invalid,
///             Err(_) => Validity::Unavailable { retry_after: Duration::from_secs(5) },
///         }
///     }
/// }
/// ```
pub trait Validator: Send + Sync + 'static {
    /// Judges a token. Never say [`Validity::Invalid`] if you do not know.
    ///
    /// # Cancel safety
    ///
    /// The layer drops the future when the client goes away, and after the
    /// [timeout](crate::inbound::ValidateKeyLayer::timeout).
    fn validate(&self, token: &Secret) -> impl Future<Output = Validity> + Send;
}

/// The result of a [`Validator`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Validity {
    /// The token is valid. The record describes it as if it were a key: its client, its scopes and
    /// roles, until when it is valid, and the networks and the certificate that it is bound to.
    Valid(KeyRecord),
    /// The token is not valid. The response is that to a wrong key.
    Invalid,
    /// Nobody knows: the service that would say so does not answer. The response is 503.
    Unavailable {
        /// How long the client should wait before it tries again.
        retry_after: Duration,
    },
}

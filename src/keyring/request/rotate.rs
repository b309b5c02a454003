//! The request to rotate a key.

use std::time::Duration;

use super::issue::IssueRequest;
use super::life::Lifetime;
use super::selector::KeySelector;
use crate::idempotency::IdempotencyKey;

/// A request to replace a key with a new one that has the same scopes.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_rotating_auth::{inbound::ClientId, keyring::RotateRequest};
///
/// let client: ClientId = "open-webui".parse()?;
/// let planned = RotateRequest::with_grace(&client, Duration::from_secs(3600));
/// let leaked = RotateRequest::compromised(&client);
/// # let _ = (planned, leaked);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RotateRequest {
    pub(crate) selector: KeySelector,
    pub(crate) old_key: OldKey,
    pub(crate) lifetime: Lifetime,
    /// The lifetime if neither `lifetime` nor the policy sets one, in place of the old key's.
    pub(crate) default_lifetime: Option<Duration>,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

/// What happens to the replaced key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldKey {
    Retire(Duration),
    Revoke,
}

impl RotateRequest {
    /// Replaces a key that stays valid for `grace`, until its own end, or for the longest grace of
    /// the policy, whichever is shortest.
    pub fn with_grace(selector: impl Into<KeySelector>, grace: Duration) -> Self {
        Self::new(selector.into(), OldKey::Retire(grace))
    }

    /// Replaces a key that is revoked at once, together with every key before and after it.
    pub fn compromised(selector: impl Into<KeySelector>) -> Self {
        Self::new(selector.into(), OldKey::Revoke)
    }

    const fn new(selector: KeySelector, old_key: OldKey) -> Self {
        Self {
            selector,
            old_key,
            lifetime: Lifetime::AsThePolicySays,
            default_lifetime: None,
            idempotency_key: None,
        }
    }

    /// Sets how long the new key is valid.
    ///
    /// Defaults to the lifetime of the policy. If the policy sets none, defaults to the lifetime of
    /// the old key, or to what is left of it if nobody knows when it was made.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Lifetime::For(lifetime);
        self
    }

    /// Sets the lifetime to that of each key of `request`.
    pub(crate) const fn lifetime_from(mut self, request: &IssueRequest) -> Self {
        self.lifetime = request.lifetime_of_each();
        self.default_lifetime = request.default_lifetime;
        self
    }

    /// Sets an idempotency key: the same request with the same key makes no second key.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

//! A rotation that a caller asks for.

use std::time::Duration;

use super::issue::IssueRequest;
use super::life::Lifetime;
use super::selector::KeySelector;
use crate::idempotency::IdempotencyKey;

/// A key to be rotated: replaced by a new one that may do the same.
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
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

/// What happens to the replaced key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldKey {
    Retire(Duration),
    Revoke,
}

impl RotateRequest {
    /// A new key; the old one stays valid for `grace`, or for what is left of its own life, or for as long as
    /// the policy allows, whichever is the shortest.
    pub fn with_grace(selector: impl Into<KeySelector>, grace: Duration) -> Self {
        Self::new(selector.into(), OldKey::Retire(grace))
    }

    /// A new key; the old one is revoked at once, with every key before it and after it.
    pub fn compromised(selector: impl Into<KeySelector>) -> Self {
        Self::new(selector.into(), OldKey::Revoke)
    }

    const fn new(selector: KeySelector, old_key: OldKey) -> Self {
        Self {
            selector,
            old_key,
            lifetime: Lifetime::AsThePolicySays,
            idempotency_key: None,
        }
    }

    /// The new key is valid for so long. Unless told, as the policy says, and where it says nothing, for as long as
    /// the old one was made for; where nobody knows when that was made, for what is left of it.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Lifetime::For(lifetime);
        self
    }

    /// The new key is valid for as long as each key of these terms.
    pub(crate) const fn lifetime_from(mut self, request: &IssueRequest) -> Self {
        self.lifetime = request.lifetime_of_each();
        self
    }

    /// Asked for again with the same idempotency key, it makes no second key.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

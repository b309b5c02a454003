//! What a new key is to be.

use std::time::{Duration, SystemTime};

use super::life::{Lifetime, lifetime_of};
use crate::idempotency::IdempotencyKey;
use crate::inbound::{ClientId, Scopes};
use crate::keyring::state::KeyEntry;

/// What a new key is to be: whose, for what, from when and until when.
///
/// ```
/// use std::time::Duration;
/// use tower_rotating_auth::keyring::IssueRequest;
///
/// let request = IssueRequest::new("open-webui".parse()?)
///     .or_new_client("chat:write models:read".parse()?)
///     .scopes("chat:write".parse()?)
///     .lifetime(Duration::from_secs(30 * 24 * 60 * 60));
/// # let _ = request;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct IssueRequest {
    pub(crate) client: ClientId,
    pub(crate) new_client: Option<Scopes>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) lifetime: Lifetime,
    /// For how long it is valid where neither `lifetime` nor the policy says.
    pub(crate) default_lifetime: Option<Duration>,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

impl IssueRequest {
    pub(crate) const fn client(&self) -> &ClientId {
        &self.client
    }

    /// For how long each of several keys is valid: a moment at which it ends is that of one key.
    pub(crate) const fn lifetime_of_each(&self) -> Lifetime {
        match self.lifetime {
            Lifetime::Until(_) => Lifetime::AsThePolicySays,
            lifetime => lifetime,
        }
    }

    /// What a key is to be that comes after this one, but is no successor: without what is that key's alone.
    pub(crate) fn after(&self, before: &KeyEntry, now: SystemTime) -> Self {
        Self {
            not_before: None,
            lifetime: self.lifetime_of_each(),
            default_lifetime: lifetime_of(before, now),
            ..self.clone()
        }
    }

    /// A key for this client, that may do what the client may, and lives as long as the policy says.
    pub const fn new(client: ClientId) -> Self {
        Self {
            client,
            new_client: None,
            scopes: None,
            not_before: None,
            lifetime: Lifetime::AsThePolicySays,
            default_lifetime: None,
            idempotency_key: None,
        }
    }

    /// Makes the client, with these scopes, where there is none of this name. A client that is there stays as
    /// it is.
    pub fn or_new_client(mut self, scopes: Scopes) -> Self {
        self.new_client = Some(scopes);
        self
    }

    /// May do no more than this, which must be among what the client may do. Where it is all that a new client may do, the key
    /// may do what its client may from then on, too.
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// Not valid before this moment; its life begins then.
    pub const fn not_before(mut self, moment: SystemTime) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// Valid for so long.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Lifetime::For(lifetime);
        self
    }

    /// Valid until this moment.
    pub const fn not_after(mut self, moment: SystemTime) -> Self {
        self.lifetime = Lifetime::Until(moment);
        self
    }

    /// Valid for ever.
    pub const fn for_ever(mut self) -> Self {
        self.lifetime = Lifetime::Unlimited;
        self
    }

    /// Asked for again with the same idempotency key, it makes no second key.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

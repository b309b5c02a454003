//! The request for a new key.

use std::time::{Duration, SystemTime};

use super::life::{Lifetime, lifetime_of};
use crate::idempotency::IdempotencyKey;
use crate::inbound::{CertificateDigest, ClientId, Networks, Restrictions, Role, Scopes};
use crate::keyring::state::KeyEntry;

/// A request for a new key: its client, its scopes, and when it is valid.
///
/// # Examples
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
    pub(crate) roles: Option<Vec<Role>>,
    pub(crate) restrictions: Restrictions,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) lifetime: Lifetime,
    /// The lifetime if neither `lifetime` nor the policy sets one.
    pub(crate) default_lifetime: Option<Duration>,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

impl IssueRequest {
    pub(crate) const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Returns the lifetime of each of several keys. A fixed end is that of one key only.
    pub(crate) const fn lifetime_of_each(&self) -> Lifetime {
        match self.lifetime {
            Lifetime::Until(_) => Lifetime::AsThePolicySays,
            lifetime => lifetime,
        }
    }

    /// Returns the request for a key that comes after `before` without replacing it.
    pub(crate) fn after(&self, before: &KeyEntry, now: SystemTime) -> Self {
        Self {
            not_before: None,
            lifetime: self.lifetime_of_each(),
            default_lifetime: self.default_lifetime.or_else(|| lifetime_of(before, now)),
            ..self.clone()
        }
    }

    /// Sets the lifetime if neither the request nor the policy sets one. A fixed end of the first
    /// key is a lifetime for those after it.
    pub(crate) const fn default_lifetime(mut self, lifetime: Duration) -> Self {
        if !matches!(self.lifetime, Lifetime::Until(_)) {
            self.default_lifetime = Some(lifetime);
        }
        self
    }

    /// Creates a request for a key with the scopes of its client and the lifetime of the policy.
    pub const fn new(client: ClientId) -> Self {
        Self {
            client,
            new_client: None,
            scopes: None,
            roles: None,
            restrictions: Restrictions {
                networks: None,
                certificate: None,
            },
            not_before: None,
            lifetime: Lifetime::AsThePolicySays,
            default_lifetime: None,
            idempotency_key: None,
        }
    }

    /// Creates the client with these scopes if it does not exist. An existing client stays as it
    /// is.
    pub fn or_new_client(mut self, scopes: Scopes) -> Self {
        self.new_client = Some(scopes);
        self
    }

    /// Sets the scopes of the key, which the client must have.
    ///
    /// A key with all scopes of its new client follows the client: its scopes change with those of
    /// the client.
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// Sets the roles of the key, which the client must have. With roles or scopes of its own, the
    /// key has no others.
    pub fn roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.roles = Some(roles.into_iter().collect());
        self
    }

    /// Sets the networks that the key is accepted from. Defaults to all.
    pub fn networks(mut self, networks: Networks) -> Self {
        self.restrictions.networks = Some(networks);
        self
    }

    /// Binds the key to a TLS client certificate. By default, it is bound to none.
    pub const fn certificate(mut self, certificate: CertificateDigest) -> Self {
        self.restrictions.certificate = Some(certificate);
        self
    }

    /// Sets when the key becomes valid. Its lifetime starts then. Defaults to now.
    pub const fn not_before(mut self, moment: SystemTime) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// Sets how long the key is valid.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Lifetime::For(lifetime);
        self
    }

    /// Sets when the key expires.
    pub const fn not_after(mut self, moment: SystemTime) -> Self {
        self.lifetime = Lifetime::Until(moment);
        self
    }

    /// Makes the key valid without an end.
    pub const fn for_ever(mut self) -> Self {
        self.lifetime = Lifetime::Unlimited;
        self
    }

    /// Sets an idempotency key: the same request with the same key makes no second key.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

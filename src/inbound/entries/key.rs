//! One key, as a key file or a key ring keeps it.

use std::time::SystemTime;

use super::client::{ClientEntry, ClientState};
use crate::idempotency::IdempotencyKey;
use crate::inbound::key::{
    CertificateDigest, ClientId, Grants, KeyDigest, KeyId, KeyRecord, Networks, Provenance,
    Restrictions, Role, Scopes,
};

/// A key of a client: its digest, its scopes, its times, and where it comes from. Not the key
/// itself.
///
/// A key ring only ever shortens the life of a key: it never removes
/// [`retires_at`](Self::retires_at) or [`revoked_at`](Self::revoked_at), nor makes them later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    pub(crate) id: KeyId,
    pub(crate) client: ClientId,
    pub(crate) digest: KeyDigest,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) roles: Option<Vec<Role>>,
    pub(crate) restrictions: Restrictions,
    pub(crate) created_at: Option<SystemTime>,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) not_after: Option<SystemTime>,
    pub(crate) retires_at: Option<SystemTime>,
    pub(crate) revoked_at: Option<SystemTime>,
    pub(crate) replaces: Option<KeyId>,
    pub(crate) provenance: Provenance,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

impl KeyEntry {
    /// Creates an issued key of `client`, valid from now on without an end, with the scopes of its
    /// client.
    #[must_use]
    pub const fn new(id: KeyId, client: ClientId, digest: KeyDigest) -> Self {
        Self {
            id,
            client,
            digest,
            scopes: None,
            roles: None,
            restrictions: Restrictions {
                networks: None,
                certificate: None,
            },
            created_at: None,
            not_before: None,
            not_after: None,
            retires_at: None,
            revoked_at: None,
            replaces: None,
            provenance: Provenance::Issued,
            idempotency_key: None,
        }
    }

    /// Sets the scopes of the key, a part of those of its client.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl Into<Option<Scopes>>) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// Sets the roles of the key, a part of those of its client. With roles or scopes of its own,
    /// it has no others.
    #[must_use]
    pub fn with_roles(mut self, roles: impl Into<Option<Vec<Role>>>) -> Self {
        self.roles = roles.into();
        self
    }

    /// Sets the networks that the key is accepted from. Defaults to all.
    #[must_use]
    pub fn with_networks(mut self, networks: impl Into<Option<Networks>>) -> Self {
        self.restrictions.networks = networks.into();
        self
    }

    /// Sets the TLS client certificate that the key is bound to. Defaults to none.
    #[must_use]
    pub fn with_certificate(mut self, certificate: impl Into<Option<CertificateDigest>>) -> Self {
        self.restrictions.certificate = certificate.into();
        self
    }

    /// Sets from where and with what the key is accepted.
    pub(crate) fn with_restrictions(mut self, restrictions: Restrictions) -> Self {
        self.restrictions = restrictions;
        self
    }

    /// Sets when the key was made.
    #[must_use]
    pub fn with_created_at(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.created_at = moment.into();
        self
    }

    /// Sets when the key becomes valid.
    #[must_use]
    pub fn with_not_before(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.not_before = moment.into();
        self
    }

    /// Sets when the key expires.
    #[must_use]
    pub fn with_not_after(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.not_after = moment.into();
        self
    }

    /// Sets when its grace ends, after a rotation.
    #[must_use]
    pub fn with_retires_at(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.retires_at = moment.into();
        self
    }

    /// Sets when the key was revoked.
    #[must_use]
    pub fn with_revoked_at(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.revoked_at = moment.into();
        self
    }

    /// Sets which key it replaces.
    #[must_use]
    pub fn with_replaces(mut self, key: impl Into<Option<KeyId>>) -> Self {
        self.replaces = key.into();
        self
    }

    /// Sets where the key comes from.
    #[must_use]
    pub const fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Sets the idempotency key of the operation that made the key.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.idempotency_key = key.into();
        self
    }

    /// Returns the id of the key. In a key file: `id`.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the client of the key. In a key file: `client`.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Returns the digest of the key. In a key file: `digest`.
    #[must_use]
    pub const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    /// Returns the scopes of the key, if it has fewer than its client. In a key file: `scopes`.
    #[must_use]
    pub const fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// Returns the roles of the key, if it has fewer than its client. In a key file: `roles`.
    #[must_use]
    pub fn roles(&self) -> Option<&[Role]> {
        self.roles.as_deref()
    }

    /// Returns the networks that the key is accepted from; `None` for all. In a key file:
    /// `networks`.
    #[must_use]
    pub const fn networks(&self) -> Option<&Networks> {
        self.restrictions.networks.as_ref()
    }

    /// Returns the TLS client certificate that the key is bound to, if it is. In a key file:
    /// `certificate`.
    #[must_use]
    pub const fn certificate(&self) -> Option<CertificateDigest> {
        self.restrictions.certificate
    }

    /// Returns from where and with what the key is accepted.
    pub(crate) const fn restrictions(&self) -> &Restrictions {
        &self.restrictions
    }

    /// Returns when the key was made, if known. In a key file: `created_at`.
    #[must_use]
    pub const fn created_at(&self) -> Option<SystemTime> {
        self.created_at
    }

    /// Returns when the key becomes valid, if not at once. In a key file: `not_before`.
    #[must_use]
    pub const fn not_before(&self) -> Option<SystemTime> {
        self.not_before
    }

    /// Returns when the key expires, if it does. In a key file: `not_after`.
    #[must_use]
    pub const fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// Returns when the grace of the key ends, once a rotation has replaced it. In a key file:
    /// `retires_at`.
    #[must_use]
    pub const fn retires_at(&self) -> Option<SystemTime> {
        self.retires_at
    }

    /// Returns when the key was revoked, if it was. In a key file: `revoked_at`.
    #[must_use]
    pub const fn revoked_at(&self) -> Option<SystemTime> {
        self.revoked_at
    }

    /// Returns the key that it replaces. In a key file: `replaces`.
    #[must_use]
    pub const fn replaces(&self) -> Option<&KeyId> {
        self.replaces.as_ref()
    }

    /// Returns where the key comes from. In a key file: `provenance`, which is `"imported"` or
    /// `"unchecked"`, and absent for an issued key.
    #[must_use]
    pub const fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// Returns the idempotency key of the operation that made the key. In a key file:
    /// `idempotency_key`.
    #[must_use]
    pub const fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.idempotency_key.as_ref()
    }

    /// Returns when the key ends by itself: the earlier of [`not_after`](Self::not_after) and
    /// [`retires_at`](Self::retires_at).
    #[must_use]
    pub fn ends_at(&self) -> Option<SystemTime> {
        earlier(self.not_after, self.retires_at)
    }

    /// Removes all scopes and roles, so that a key that has ended does not restrict those of its
    /// client.
    pub(crate) fn without_scopes(self) -> Self {
        self.with_scopes(Scopes::default()).with_roles(None)
    }

    /// Returns the record to publish. The key is refused from `too_old` on, if that is set.
    pub(crate) fn record(
        &self,
        client: &ClientEntry,
        grants: Grants,
        too_old: Option<SystemTime>,
    ) -> KeyRecord {
        let retires_at = earlier(self.retires_at, too_old);
        // A key that ends before it becomes valid is revoked: as a record, it would be an error.
        let ends_first = |(end, from)| end <= from;
        let is_never_valid = retires_at.zip(self.not_before).is_some_and(ends_first);
        let not_after = match is_never_valid {
            true => self.not_after,
            false => earlier(self.not_after, retires_at),
        };
        let mut record = KeyRecord::granted(self.id.clone(), client.id.clone(), grants)
            .with_restrictions(&self.restrictions)
            .with_created_at(self.created_at)
            .with_not_before(self.not_before)
            .with_not_after(not_after);
        if self.retires_at.is_some() {
            record = record.into_replaced();
        }
        if self.revoked_at.is_some() || is_never_valid {
            record = record.into_revoked();
        }
        if client.state == ClientState::Disabled {
            record = record.into_disabled();
        }
        record
    }
}

pub(crate) fn earlier(one: Option<SystemTime>, other: Option<SystemTime>) -> Option<SystemTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

//! The record of one key: its names, scopes and times.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::grants::{Grants, Role};
use super::id::{ClientId, KeyId};
use super::last_use::LastUse;
use super::restrictions::{CertificateDigest, Networks, Restrictions};
use super::scope::Scopes;
use super::status::KeyStatus;

/// What a server stores of one key, besides its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub(crate) id: KeyId,
    pub(crate) client: ClientId,
    pub(crate) scopes: Scopes,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) not_after: Option<SystemTime>,
    pub(crate) created_at: Option<SystemTime>,
    /// Behind one pointer: most keys have none of it, and there may be a million keys.
    extra: Option<Arc<Extra>>,
    in_grace: bool,
    pub(crate) revoked: bool,
    pub(crate) disabled: bool,
    pub(crate) last_use: LastUse,
}

/// Properties that few keys have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extra {
    /// In alphabetical order.
    roles: Vec<Role>,
    restrictions: Restrictions,
}

impl KeyRecord {
    /// Creates the record of a key that is active at once and never expires.
    #[must_use]
    pub const fn new(id: KeyId, client: ClientId, scopes: Scopes) -> Self {
        Self {
            id,
            client,
            scopes,
            not_before: None,
            not_after: None,
            created_at: None,
            extra: None,
            in_grace: false,
            revoked: false,
            disabled: false,
            last_use: LastUse::new(),
        }
    }

    /// Sets the moment from which the key is accepted. Defaults to always.
    #[must_use]
    pub fn with_not_before(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.not_before = moment.into();
        self
    }

    /// Sets the moment from which the key is no longer accepted. Defaults to never.
    ///
    /// It goes by the wall clock. If that is set back past this moment, the key is valid again.
    /// [Revoke](Self::into_revoked) a key to end it for certain.
    #[must_use]
    pub fn with_not_after(mut self, moment: impl Into<Option<SystemTime>>) -> Self {
        self.not_after = moment.into();
        self
    }

    /// Sets when the key was made, if that is known.
    pub(crate) const fn with_created_at(mut self, moment: Option<SystemTime>) -> Self {
        self.created_at = moment;
        self
    }

    /// Sets the roles of the key, which add no scopes: name those in [`new`](Self::new). Defaults
    /// to none.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        let mut roles: Vec<_> = roles.into_iter().collect();
        roles.sort_unstable();
        roles.dedup();
        if !roles.is_empty() || self.extra.is_some() {
            self.extra().roles = roles;
        }
        self
    }

    /// Accepts the key from these networks alone. By default, it is accepted from everywhere.
    ///
    /// The address is that of [`PeerAddr`](crate::inbound::PeerAddr), or what a
    /// [trusted proxy](crate::inbound::TrustedProxies) says of its client. A request whose address
    /// is not known is refused.
    #[must_use]
    pub fn with_networks(mut self, networks: Networks) -> Self {
        self.extra().restrictions.networks = Some(networks);
        self
    }

    /// Binds the key to a TLS client certificate
    /// ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705#section-3)). By default, it is bound to
    /// none.
    ///
    /// The key is then accepted only beside a
    /// [`ClientCertificate`](crate::inbound::ClientCertificate) with this digest.
    #[must_use]
    pub fn with_certificate(mut self, certificate: CertificateDigest) -> Self {
        self.extra().restrictions.certificate = Some(certificate);
        self
    }

    /// Sets the restrictions of the key, if it has any.
    pub(crate) fn with_restrictions(mut self, restrictions: &Restrictions) -> Self {
        if *restrictions != Restrictions::default() {
            self.extra().restrictions = restrictions.clone();
        }
        self
    }

    /// Creates the record of a key with these grants.
    pub(crate) fn granted(id: KeyId, client: ClientId, grants: Grants) -> Self {
        Self::new(id, client, grants.scopes).with_roles(grants.roles)
    }

    fn extra(&mut self) -> &mut Extra {
        Arc::make_mut(self.extra.get_or_insert_default())
    }

    /// Says that a rotation has replaced the key.
    pub(crate) const fn into_replaced(mut self) -> Self {
        self.in_grace = true;
        self
    }

    /// Marks the key as revoked.
    #[must_use]
    pub const fn into_revoked(mut self) -> Self {
        self.revoked = true;
        self
    }

    /// Marks the key as one of a disabled client.
    #[must_use]
    pub const fn into_disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Returns the key's name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the client that the key belongs to.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Returns the scopes of the key.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Returns the roles of the key, in alphabetical order.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        self.extra.as_deref().map_or(&[], |extra| &extra.roles)
    }

    /// Returns whether the key has this role.
    #[must_use]
    pub fn has_role(&self, role: &Role) -> bool {
        self.roles().binary_search(role).is_ok()
    }

    /// Returns the networks that the key is accepted from; `None` for all.
    #[must_use]
    pub fn networks(&self) -> Option<&Networks> {
        self.restrictions()?.networks.as_ref()
    }

    /// Returns the TLS client certificate that the key is bound to, if it is.
    #[must_use]
    pub fn certificate(&self) -> Option<CertificateDigest> {
        self.restrictions()?.certificate
    }

    fn restrictions(&self) -> Option<&Restrictions> {
        self.extra.as_deref().map(|extra| &extra.restrictions)
    }

    /// Returns whether the key is accepted from this address. An unknown one is `None`.
    pub(crate) fn allows_address(&self, address: Option<IpAddr>) -> bool {
        match self.networks() {
            None => true,
            Some(networks) => address.is_some_and(|address| networks.contains(address)),
        }
    }

    /// Returns whether a rotation has replaced the key, so that its client must change to the new
    /// one before [`not_after`](Self::not_after).
    #[must_use]
    pub const fn in_grace(&self) -> bool {
        self.in_grace
    }

    /// Returns the moment from which the key is accepted, if not always.
    #[must_use]
    pub const fn not_before(&self) -> Option<SystemTime> {
        self.not_before
    }

    /// Returns the moment from which the key is no longer accepted, if there is one. A record of a
    /// key file or a key ring has the earliest of the ends of its key.
    #[must_use]
    pub const fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// Returns when the key was made, if its key file or key ring says so.
    #[must_use]
    pub const fn created_at(&self) -> Option<SystemTime> {
        self.created_at
    }

    /// Returns when a layer of this process last admitted a request with the key; up to a minute
    /// early.
    #[must_use]
    pub fn last_used(&self) -> Option<SystemTime> {
        self.last_use.get()
    }

    /// Returns the status of the key at `now`.
    ///
    /// If several apply, the first of `Revoked`, `Disabled`, `Expired` and `NotYetValid` is
    /// returned. A record does not tell `InGrace` from `Active`.
    #[must_use]
    pub fn status_at(&self, now: SystemTime) -> KeyStatus {
        // Everything is compared whatever is found first, so that each status costs the same.
        let early = self.not_before.is_some_and(|from| now < from);
        let late = self.not_after.is_some_and(|until| now >= until);
        match (self.revoked, self.disabled, late, early) {
            (true, ..) => KeyStatus::Revoked,
            (_, true, ..) => KeyStatus::Disabled,
            (_, _, true, _) => KeyStatus::Expired,
            (_, _, _, true) => KeyStatus::NotYetValid,
            _ => KeyStatus::Active,
        }
    }
}

//! The rule about keys that are sent over an unencrypted channel.

use std::sync::Arc;

use super::hook::Hook;
use crate::inbound::key::{ClientId, KeyDigest, KeyId, KeyRecord};

/// The rule that keys must not be sent over a channel that is not encrypted.
///
/// A request that carries a credential over such a channel gets 403, on every route and whether or
/// not the credential is valid, as
/// [draft-ietf-httpapi-privacy](https://datatracker.ietf.org/doc/draft-ietf-httpapi-privacy/) asks:
/// the client learns its mistake at once, and an attacker nothing. If the key is valid, the event
/// has the reason `disclosed` with its client and its id.
///
/// The layer goes by [`RequestScheme`](crate::inbound::RequestScheme) in the request's extensions,
/// or by what a [trusted proxy](crate::inbound::TrustedProxies) says. While the scheme is not
/// known, it refuses credentials, too, and takes no key for disclosed.
///
/// # Examples
///
/// ```
/// # use tower_rotating_auth::{Rotating, inbound::{KeySet, RequireKeyLayer}};
/// use tower_rotating_auth::inbound::SecureOnly;
///
/// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
/// let layer = RequireKeyLayer::new(keys).secure_only(SecureOnly::new().on_disclosed(|key| {
///     eprintln!("rotate the key {} of {}", key.key_id(), key.client());
/// }));
/// # drop(layer);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SecureOnly {
    on_disclosed: Option<DisclosureHook>,
}

/// Receives each disclosed key.
type DisclosureHook = Hook<dyn Fn(&DisclosedKey) + Send + Sync>;

/// A valid key that a client has sent over a channel that is not encrypted.
///
/// Only whoever has the whole key can cause one: no guess leads to the revocation of a key.
#[derive(Clone, Debug)]
pub struct DisclosedKey {
    record: Arc<KeyRecord>,
    digest: KeyDigest,
}

impl SecureOnly {
    /// Creates the rule, which reports disclosed keys and does nothing else about them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a function that receives each disclosed key. Defaults to none.
    ///
    /// It runs on the request's path, and so must not block. To revoke such keys, pass
    /// [`KeyRing::revoke_disclosed`](crate::keyring::KeyRing::revoke_disclosed).
    pub fn on_disclosed(
        mut self,
        on_disclosed: impl Fn(&DisclosedKey) + Send + Sync + 'static,
    ) -> Self {
        self.on_disclosed = Some(Hook(Arc::new(on_disclosed)));
        self
    }
}

impl SecureOnly {
    /// Reports a disclosed key to the application.
    pub(crate) fn report(&self, key: &DisclosedKey) {
        if let Some(on_disclosed) = &self.on_disclosed {
            on_disclosed(key);
        }
    }
}

impl DisclosedKey {
    pub(crate) const fn new(record: Arc<KeyRecord>, digest: KeyDigest) -> Self {
        Self { record, digest }
    }

    /// Returns the name of the key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        self.record.id()
    }

    /// Returns the client of the key.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        self.record.client()
    }

    pub(crate) const fn digest(&self) -> &KeyDigest {
        &self.digest
    }
}

//! The revocation of keys that were sent over an unencrypted channel.

use tokio::runtime::Handle;

use super::handle::KeyRing;
use crate::inbound::DisclosedKey;
use crate::keyring::request::RevokeRequest;

impl KeyRing {
    /// Returns a function that revokes each disclosed key, for
    /// [`SecureOnly::on_disclosed`](crate::inbound::SecureOnly::on_disclosed).
    ///
    /// The ring revokes on a task of its own: the request does not wait. If the revocation fails,
    /// an error is logged, and the next request with the key tries again. Nobody can have a key
    /// revoked by guessing: only a request with the whole key discloses it. But whoever has stolen
    /// a key can have it revoked, and its client can by a mistake.
    ///
    /// The function keeps the ring running.
    pub fn revoke_disclosed(&self) -> impl Fn(&DisclosedKey) + Send + Sync + 'static + use<> {
        let ring = self.clone();
        move |key| {
            let (ring, key_id, client) = (ring.clone(), key.key_id().clone(), key.client().clone());
            let request = RevokeRequest::Digest(*key.digest());
            let Ok(runtime) = Handle::try_current() else {
                tracing::error!(%key_id, %client, "no runtime to revoke a disclosed key; revoke it");
                return;
            };
            runtime.spawn(async move {
                if let Err(error) = ring.revoke(request).await {
                    tracing::error!(%key_id, %client, %error, "a disclosed key is not revoked; revoke it");
                }
            });
        }
    }
}

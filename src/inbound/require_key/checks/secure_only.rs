//! Keys that are sent over an unencrypted channel.

use std::sync::Arc;
use std::time::SystemTime;

use crate::inbound::auth_error::{AuthError, AuthErrorKind};
use crate::inbound::authenticator::Authenticator;
use crate::inbound::connection::RequestScheme;
use crate::inbound::hooks::DisclosedKey;
use crate::inbound::key::KeyDigest;
use crate::inbound::key_set::judge;
use crate::inbound::refusal::RequestHead;

impl Authenticator {
    /// Returns the scheme that the client has used, if it is known.
    pub(crate) fn scheme(&self, head: RequestHead<'_>) -> Option<RequestScheme> {
        let peer = self.refusals.peer_addr(head.extensions);
        let scheme = head.extensions.get().copied();
        self.refusals
            .trusted_proxies()
            .client_scheme(peer, scheme, head.headers)
    }

    /// Refuses a request that carries a credential over a channel that is not encrypted.
    pub(crate) fn check_channel(
        &self,
        head: RequestHead<'_>,
        now: SystemTime,
    ) -> Result<(), AuthError> {
        let Some(rule) = &self.secure_only else {
            return Ok(());
        };
        let scheme = self.scheme(head);
        if scheme == Some(RequestScheme::Https) {
            return Ok(());
        }
        let insecure = AuthError::new(AuthErrorKind::InsecureChannel);
        let digest = match self.with_token(head, |token| KeyDigest::of(token.bytes())) {
            Ok(digest) => digest,
            Err(error) => {
                return match error.kind() {
                    AuthErrorKind::Missing | AuthErrorKind::Empty => Ok(()),
                    _ => Err(insecure),
                };
            }
        };
        let keys = self.keys.current();
        let found = judge(&keys, keys.find(&digest), now);
        match (found, scheme) {
            (Ok(record), Some(RequestScheme::Http)) => {
                let record = Arc::clone(record);
                let error = AuthError::new(AuthErrorKind::Disclosed).of_key(&record);
                rule.report(&DisclosedKey::new(record, digest));
                Err(error)
            }
            (Ok(record), _) => Err(insecure.of_key(record)),
            // The client may not know what the event says of its key.
            (Err(rejected), _) => Err(insecure.of_key_in(&rejected.into())),
        }
    }
}

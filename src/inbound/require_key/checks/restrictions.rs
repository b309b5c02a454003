//! Checks of a key's restrictions: networks, a certificate, and a second factor.

use std::sync::Arc;

use crate::inbound::auth_error::{AuthError, AuthErrorKind};
use crate::inbound::authenticator::Authenticator;
use crate::inbound::connection::ClientCertificate;
use crate::inbound::key::KeyRecord;
use crate::inbound::refusal::RequestHead;

impl Authenticator {
    /// Checks whether a valid key may be used by this request.
    ///
    /// A wrong certificate comes first, since its response is that of a wrong key: whoever has
    /// stolen a key does not learn that it is valid.
    pub(crate) fn check_restrictions(
        &self,
        key: &Arc<KeyRecord>,
        head: RequestHead<'_>,
    ) -> Result<(), AuthError> {
        let refused = |kind| Err(AuthError::new(kind).of_key(key));
        if let Some(bound) = key.certificate() {
            let shown = head.extensions.get().map(ClientCertificate::digest);
            if shown != Some(bound) {
                return refused(AuthErrorKind::CertificateMismatch);
            }
        }
        if let Some(is_met) = &self.second_factor {
            if !is_met(key, head.headers, head.extensions) {
                return refused(AuthErrorKind::SecondFactor);
            }
        }
        if key.networks().is_some() && !key.allows_address(self.refusals.client_ip(head)) {
            return refused(AuthErrorKind::AddressNotAllowed);
        }
        Ok(())
    }
}

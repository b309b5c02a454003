//! What a validator says of a request's token, between two services.

use std::sync::Arc;

use http::Extensions;

use super::validator_trait::Validity;
use crate::inbound::authenticator::Authenticator;
use crate::inbound::key::KeyDigest;

/// What a validator says of a request's token, as a private request extension.
#[derive(Clone)]
pub(crate) struct Validated {
    validity: Validity,
    /// The token that it is about.
    digest: KeyDigest,
    /// The layer whose validator was asked. Another layer may have another one.
    authenticator: Arc<Authenticator>,
}

impl Validated {
    pub(crate) const fn new(
        validity: Validity,
        digest: KeyDigest,
        authenticator: Arc<Authenticator>,
    ) -> Self {
        Self {
            validity,
            digest,
            authenticator,
        }
    }

    /// Returns what the validator of this layer says of this token.
    pub(crate) fn find<'e>(
        extensions: &'e Extensions,
        digest: &KeyDigest,
        authenticator: &Arc<Authenticator>,
    ) -> Option<&'e Validity> {
        let found: &Self = extensions.get()?;
        let is_ours = found.digest == *digest && Arc::ptr_eq(&found.authenticator, authenticator);
        is_ours.then_some(&found.validity)
    }
}

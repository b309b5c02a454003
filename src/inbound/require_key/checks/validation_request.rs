//! Requests to a validator about tokens that are no keys of the set.

use std::sync::Arc;

use crate::inbound::authenticator::{Authenticator, Enforcement};
use crate::inbound::connection::RequestScheme;
use crate::inbound::key::KeyDigest;
use crate::inbound::location::Token;
use crate::inbound::policy::{Access, RoutePolicy};
use crate::inbound::refusal::RequestHead;
use crate::inbound::validator::{Validated, Validity};
use crate::secret::Secret;

/// A token that is no key of the set, for a validator.
pub(crate) struct ValidationRequest {
    pub(crate) token: Secret,
    digest: KeyDigest,
    authenticator: Arc<Authenticator>,
}

impl ValidationRequest {
    /// Returns the result of the validator, bound to its token and to the layer that asked.
    pub(crate) fn with_validity(self, validity: Validity) -> Validated {
        Validated::new(validity, self.digest, self.authenticator)
    }
}

impl Authenticator {
    /// Returns what to ask a validator, if its result can make a difference.
    pub(crate) fn validation_request(
        self: &Arc<Self>,
        head: RequestHead<'_>,
    ) -> Option<ValidationRequest> {
        let is_refused = self.enforcement == Enforcement::Off
            || (self.secure_only.is_some() && self.scheme(head) != Some(RequestScheme::Https))
            || self.keys.current().failing_for() > self.max_stale;
        let needs_key = |policy: &RoutePolicy| {
            let access = policy.access(head.method, head.uri.path(), head.template);
            !matches!(*access, Access::Public | Access::Deny)
        };
        if is_refused || !self.policy.with(needs_key) {
            return None;
        }
        let ask = |token: &Token<'_>| {
            let digest = KeyDigest::of(token.bytes());
            // A key of the set is not for a validator, whatever its status.
            let is_known = self.keys.current().find(&digest).is_some();
            (!is_known).then(|| ValidationRequest {
                token: Secret::from(token.bytes()),
                digest,
                authenticator: Arc::clone(self),
            })
        };
        self.with_token(head, ask).ok().flatten()
    }
}

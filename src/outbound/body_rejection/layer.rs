//! The layer, and everything about it that has a default.

use std::time::Duration;

use http::StatusCode;
use tower_layer::Layer;

use super::json::has_member;
use super::rule::Rule;
use super::service::RejectByBody;

/// A [`Layer`] that reads the beginning of some responses, and marks those that reject the key.
///
/// Put it between [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) and the client. The
/// [module page](crate::outbound::body_rejection) has an example and lists the caveats.
///
/// A response is read if it has one of the layer's statuses, a JSON content type (`application/json`
/// or any type that ends in `+json`) and no `content-encoding`. The layer reads until it has 8 KiB,
/// the body ends or fails, or the [time limit](Self::read_timeout) has passed, and asks a function
/// about the bytes that it has by then. If they reject the key, it puts
/// [`Verdict::Rejected`](crate::outbound::adapter::Verdict) into the response's extensions.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RejectByBodyLayer {
    rule: Rule,
}

impl RejectByBodyLayer {
    /// Creates a layer for Gemini and other Google APIs, which answer a wrong key with 400 and a
    /// JSON body whose `error.details` have the `reason` `API_KEY_INVALID`.
    pub const fn gemini() -> Self {
        Self::new(&[StatusCode::BAD_REQUEST], |json| {
            has_member(json, "reason", "API_KEY_INVALID")
        })
    }

    /// Creates a layer that reads responses with these statuses.
    ///
    /// `rejects` gets the first bytes of a body, 8 KiB at most, and returns whether they reject the
    /// key. It runs for each response that is read, on the runtime, so it should only look.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_rotating_auth::outbound::body_rejection::{RejectByBodyLayer, has_member};
    ///
    /// // Not every 403 is about the key.
    /// let layer = RejectByBodyLayer::new(&[StatusCode::FORBIDDEN], |json| {
    ///     has_member(json, "code", "key_expired")
    /// });
    /// # drop(layer);
    /// ```
    pub const fn new(statuses: &'static [StatusCode], rejects: fn(&[u8]) -> bool) -> Self {
        Self {
            rule: Rule {
                statuses,
                rejects,
                read_timeout: Duration::from_secs(1),
            },
        }
    }

    /// Sets how long a response is read. Defaults to 1 s.
    ///
    /// A body that never ends holds up its response for this long.
    pub const fn read_timeout(mut self, timeout: Duration) -> Self {
        self.rule.read_timeout = timeout;
        self
    }
}

impl<S> Layer<S> for RejectByBodyLayer {
    type Service = RejectByBody<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RejectByBody::new(inner, self.rule)
    }
}

//! Which HTTP responses reject a credential, and which show that it was accepted.

use http::StatusCode;
use http::header::HeaderMap;

use crate::syntax::grpc;

/// A rule for which HTTP responses reject a credential.
///
/// By default these are
///
/// - `401 Unauthorized`;
/// - a gRPC or gRPC-Web response with `UNAUTHENTICATED` (16) in its headers
///   ([Trailers-Only](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses)).
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use tower_rotating_auth::outbound::adapter::Rejection;
///
/// let rejection = Rejection::default().or_status(StatusCode::FORBIDDEN);
/// let mut headers = HeaderMap::new();
/// assert!(rejection.matches(StatusCode::FORBIDDEN, &headers));
///
/// headers.insert("grpc-status", HeaderValue::from_static("16"));
/// assert!(!rejection.matches(StatusCode::OK, &headers)); // not gRPC: it has no content type
/// headers.insert("content-type", HeaderValue::from_static("application/grpc+proto"));
/// assert!(rejection.matches(StatusCode::OK, &headers));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rejection {
    also: Vec<StatusCode>,
}

impl Rejection {
    /// Counts another status as a rejection, such as `403` if the upstream answers an expired key
    /// with it.
    #[must_use]
    pub fn or_status(mut self, status: StatusCode) -> Self {
        self.also.push(status);
        self
    }

    /// Returns whether a response with this status and these headers rejects the credential.
    #[must_use]
    pub fn matches(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::UNAUTHORIZED
            || self.also.contains(&status)
            || (status == StatusCode::OK && is_grpc_unauthenticated(headers))
    }
}

/// Returns whether a status that is not a rejection shows that the upstream accepted the
/// credential.
///
/// 429 and 5xx do not: a load balancer sends them before anybody has looked at the credential.
pub(crate) fn shows_acceptance(status: StatusCode) -> bool {
    !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS
}

/// Returns whether a gRPC server failed before it sent a message, and so put its status into the
/// headers. A later status comes in the trailers, by which time the caller has the response.
fn is_grpc_unauthenticated(headers: &HeaderMap) -> bool {
    // Both protocols put the status of a Trailers-Only response there.
    grpc::protocol(headers).is_some()
        && headers
            .get("grpc-status")
            .is_some_and(|status| status == "16")
}

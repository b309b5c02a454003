//! What HTTP responses say about a credential.

use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use super::classify::Verdict;
use crate::outbound::credential::AuthScheme;
use crate::syntax::{challenge, grpc};

/// A rule for what HTTP responses say about a credential: which reject it, and which prove it.
///
/// A wrong proof costs more than a missing one: it ends the overlap with the previous key, while
/// the next success makes up for a proof that was missed. So a response proves a key only if
/// nothing but the application behind the check of keys sends it.
///
/// # Statuses
///
/// | status | says about the key |
/// |---|---|
/// | 401 | Rejects it, unless its [challenges](#challenges) are all for other schemes. |
/// | 2xx | Proves it, as far as [gRPC](#grpc) does not say otherwise. |
/// | 101 | Proves it. It is the success of an upgrade, and a WebSocket has no other. |
/// | 412 | Proves it. A server ignores preconditions if the response without them is not a 2xx, and a proxy ignores `If-Match` altogether ([RFC 9110 §13.2.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.1)). |
/// | other 1xx | Nothing. They come before the response. |
/// | 3xx | Nothing. Redirects lead to login pages, and caches send 304. |
/// | 400, 411, 413–415, 431 | Nothing. Whatever parses the request first sends them. Some providers reject keys with 400; see [`body_rejection`](crate::outbound::body_rejection). |
/// | 402 | Nothing. A paywall asks anybody for money. |
/// | 403, 406, 451 | Nothing. Firewalls and content networks send them. Some providers reject keys with 403; see [`or_status`](Self::or_status). |
/// | 404, 405, 410 | Nothing. Routers send them before a key is looked at. |
/// | 407, 408, 421, 425, 426, 429 | Nothing. They are about the connection, the proxy or the client's address. |
/// | 409 | Nothing. An application compares the request with its state, but Cloudflare sends 409 if it cannot resolve the origin. |
/// | 416 | Nothing. Caches answer ranges. |
/// | 417, 428 | Nothing. They are about header fields, which anybody in front can check. |
/// | 422 | Nothing. Frameworks validate the body first, or look for a CSRF token. |
/// | 423, 424, other 4xx | Nothing. Nobody says who sends them: 423 is also a locked account. |
/// | 5xx | Nothing. Load balancers send them. |
///
/// # gRPC
///
/// A response without a message has its status in the headers
/// ([Trailers-Only](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses)), in
/// gRPC and in gRPC-Web. It counts if the HTTP status is 200:
///
/// | status | says about the key |
/// |---|---|
/// | 16 `UNAUTHENTICATED` | Rejects it. |
/// | 0 `OK`, 5 `NOT_FOUND`, 6 `ALREADY_EXISTS`, 9 `FAILED_PRECONDITION`, 10 `ABORTED`, 11 `OUT_OF_RANGE` | Proves it. No gRPC library or proxy sends them by itself. |
/// | 1 `CANCELLED`, 2 `UNKNOWN`, 4 `DEADLINE_EXCEEDED`, 8 `RESOURCE_EXHAUSTED`, 13 `INTERNAL`, 14 `UNAVAILABLE`, 15 `DATA_LOSS` | Nothing. Libraries, proxies and limiters send them. |
/// | 3 `INVALID_ARGUMENT` | Nothing. Google rejects API keys with it. |
/// | 7 `PERMISSION_DENIED`, 12 `UNIMPLEMENTED` | Nothing. Envoy turns its own 403 and 404 into them, and routers send 12 before a key is looked at. |
/// | any other | Nothing. Clients take it for `UNKNOWN`. |
///
/// A gRPC response with its status in the trailers proves the key: by then the caller has the
/// response.
///
/// # Challenges
///
/// A 401 lists the schemes that the upstream takes, in `WWW-Authenticate`. If the credential is in
/// `Authorization: Bearer …` and the list has no `Bearer`, the 401 says nothing about the
/// credential: something else sent it, such as a proxy that wants `Basic`. A 401 without a list, or
/// with one that cannot be parsed, is a rejection. So is every 401 for a credential in a header of
/// its own, such as `x-api-key`, which has no scheme.
///
/// Some servers list `Basic` alone although they take a `Bearer`, such as InfluxDB 1. For these,
/// set `or_status(StatusCode::UNAUTHORIZED)`: then each 401 is a rejection.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use tower_rotating_auth::outbound::AuthScheme;
/// use tower_rotating_auth::outbound::adapter::{Rejection, Verdict};
///
/// let bearer = Some(&AuthScheme::BEARER);
/// let rejection = Rejection::default().or_status(StatusCode::FORBIDDEN);
/// let mut headers = HeaderMap::new();
/// assert_eq!(rejection.classify(StatusCode::FORBIDDEN, &headers, bearer), Verdict::Rejected);
/// assert_eq!(rejection.classify(StatusCode::OK, &headers, bearer), Verdict::Accepted);
/// assert_eq!(rejection.classify(StatusCode::NOT_FOUND, &headers, bearer), Verdict::Inconclusive);
///
/// headers.insert("www-authenticate", HeaderValue::from_static("Basic realm=\"proxy\""));
/// assert_eq!(rejection.classify(StatusCode::UNAUTHORIZED, &headers, bearer), Verdict::Inconclusive);
/// assert_eq!(rejection.classify(StatusCode::UNAUTHORIZED, &headers, None), Verdict::Rejected);
/// ```
#[derive(Clone, Default)]
pub struct Rejection {
    also: Vec<StatusCode>,
    inconclusive: Vec<Arc<HeadRule>>,
}

type HeadRule = dyn Fn(StatusCode, &HeaderMap) -> bool + Send + Sync;

impl Rejection {
    /// Counts each response with this status as a rejection, such as `403` if the upstream answers
    /// an expired key with it.
    #[must_use]
    pub fn or_status(mut self, status: StatusCode) -> Self {
        self.also.push(status);
        self
    }

    /// Counts responses for which `rule` returns `true` as inconclusive: they neither reject the
    /// credential nor prove it.
    ///
    /// Goes before everything else. If there are several rules, each of them counts.
    #[must_use]
    pub fn inconclusive_if(
        mut self,
        rule: impl Fn(StatusCode, &HeaderMap) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.inconclusive.push(Arc::new(rule));
        self
    }

    /// Returns what a response with this status and these headers says about the credential.
    ///
    /// `scheme` is the one that the credential was sent with in `Authorization`, or `None` for a
    /// credential without one.
    #[must_use]
    pub fn classify(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        scheme: Option<&AuthScheme>,
    ) -> Verdict {
        if self.inconclusive.iter().any(|rule| rule(status, headers)) {
            return Verdict::Inconclusive;
        }
        if self.also.contains(&status) {
            return Verdict::Rejected;
        }
        match status.as_u16() {
            401 if is_for_other_schemes(headers, scheme) => Verdict::Inconclusive,
            401 => Verdict::Rejected,
            200 => grpc::status_in_headers(headers).map_or(Verdict::Accepted, classify_grpc),
            101 | 201..=299 | 412 => Verdict::Accepted,
            _ => Verdict::Inconclusive,
        }
    }
}

const fn classify_grpc(status: u32) -> Verdict {
    match status {
        16 => Verdict::Rejected,
        0 | 5 | 6 | 9 | 10 | 11 => Verdict::Accepted,
        _ => Verdict::Inconclusive,
    }
}

/// Returns whether a 401 has challenges, and all of them are for other schemes.
fn is_for_other_schemes(headers: &HeaderMap, scheme: Option<&AuthScheme>) -> bool {
    let Some(scheme) = scheme else {
        return false; // a credential without a scheme may be what any of them is about
    };
    let values = headers.get_all(WWW_AUTHENTICATE);
    let schemes = challenge::schemes(values.iter().map(HeaderValue::as_bytes)).unwrap_or_default();
    let ours = scheme.as_str().as_bytes();
    !schemes.is_empty() && !schemes.iter().any(|its| its.eq_ignore_ascii_case(ours))
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("also", &self.also)
            .finish_non_exhaustive()
    }
}

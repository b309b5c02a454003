//! The seam for `http::Request` and `http::Response`.

use std::fmt;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};

use super::saved_head::SavedHead;
use super::target::Target;
use super::traits::{ClassifyRejection, RequestAdapter};
use crate::outbound::inject_key::Outcome;
use crate::outbound::replay::{CloneBody, Replay};

/// The seam for `http::Request` and `http::Response`, with the way in which bodies are kept.
#[derive(Clone, Debug)]
pub struct HttpAdapter<R = CloneBody> {
    replay: R,
    rejection: Rejection,
}

impl<R> HttpAdapter<R> {
    pub(crate) const fn new(replay: R, rejection: Rejection) -> Self {
        Self { replay, rejection }
    }

    pub(crate) fn with_replay<Q>(self, replay: Q) -> HttpAdapter<Q> {
        HttpAdapter::new(replay, self.rejection)
    }

    pub(crate) fn or_status(mut self, status: StatusCode) -> Self {
        self.rejection = self.rejection.or_status(status);
        self
    }
}

/// Which responses reject a credential: `401 Unauthorized`, and gRPC's `UNAUTHENTICATED` (16) where a gRPC
/// server tells it in the headers of a response that is otherwise fine
/// ([Trailers-Only](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses)). More statuses
/// on demand.
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
/// assert!(!rejection.matches(StatusCode::OK, &headers)); // whatever that is, it is not gRPC
/// headers.insert("content-type", HeaderValue::from_static("application/grpc+proto"));
/// assert!(rejection.matches(StatusCode::OK, &headers));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rejection {
    also: Vec<StatusCode>,
}

impl Rejection {
    /// Counts this status, too: `403` for upstreams that answer an expired key so.
    #[must_use]
    pub fn or_status(mut self, status: StatusCode) -> Self {
        self.also.push(status);
        self
    }

    /// Whether a response with this head rejects the credential.
    #[must_use]
    pub fn matches(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::UNAUTHORIZED
            || self.also.contains(&status)
            || (status == StatusCode::OK && is_grpc_unauthenticated(headers))
    }
}

/// Whether a response with this status, which is not a rejection, comes from somebody who has looked at the credential:
/// a balancer answers for an upstream that is down, and limits how often it is asked.
pub(crate) fn shows_acceptance(status: StatusCode) -> bool {
    !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS
}

/// A gRPC server that fails before it has answered anything sends its status as a header. One that fails later
/// sends a trailer, by which time the caller has the response.
fn is_grpc_unauthenticated(headers: &HeaderMap) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let is_grpc = |content_type: &HeaderValue| {
        let start = content_type.as_bytes().get(..GRPC.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
    };
    headers
        .get("grpc-status")
        .is_some_and(|status| status == "16")
        && headers.get(CONTENT_TYPE).is_some_and(is_grpc)
}

/// A request's head, as the caller gave it, and what is kept of its body.
pub struct SavedRequest<B> {
    head: SavedHead,
    body: B,
}

impl<R: Replay<B>, B> RequestAdapter<Request<B>> for HttpAdapter<R> {
    type Sent = Request<R::Body>;
    type Saved = SavedRequest<R::Saved>;

    fn target<'a>(&self, request: &'a Request<B>) -> Target<'a> {
        Target::of(request.uri()).with_host(request.headers())
    }

    fn carries(&self, request: &mut Request<B>, name: &HeaderName) -> bool {
        request.headers().contains_key(name)
    }

    fn pass(&self, request: Request<B>) -> Self::Sent {
        request.map(|body| self.replay.pass(body))
    }

    fn save(&self, request: Request<B>) -> (Self::Sent, Option<Self::Saved>) {
        let (head, body) = request.into_parts();
        let (body, saved) = self.replay.save(body);
        let saved = saved.map(|body| SavedRequest {
            head: SavedHead::of(&head),
            body,
        });
        (Request::from_parts(head, body), saved)
    }

    fn pause(&self, saved: Self::Saved) -> Option<Self::Saved> {
        let body = self.replay.pause(saved.body)?;
        Some(SavedRequest { body, ..saved })
    }

    fn resend(&self, saved: Self::Saved) -> Option<Self::Sent> {
        let body = self.replay.restore(saved.body)?;
        saved.head.with(body)
    }

    fn set(&self, request: &mut Self::Sent, name: &HeaderName, value: HeaderValue) {
        request.headers_mut().insert(name, value);
    }
}

impl<R, A, E> ClassifyRejection<Response<A>, E> for HttpAdapter<R> {
    fn rejects(&self, answer: &Result<Response<A>, E>) -> bool {
        answer.as_ref().is_ok_and(|response| {
            self.rejection
                .matches(response.status(), response.headers())
        })
    }

    fn accepts(&self, answer: &Result<Response<A>, E>) -> bool {
        let shows = |response: &Response<A>| shows_acceptance(response.status());
        answer.as_ref().is_ok_and(shows)
    }

    fn note(&self, response: &mut Response<A>, outcome: Outcome) {
        response.extensions_mut().insert(outcome);
    }
}

impl<B> fmt::Debug for SavedRequest<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedRequest").finish_non_exhaustive()
    }
}

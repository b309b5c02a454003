//! The part of gRPC that the servers need.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};

const GRPC: &str = "application/grpc";
const STATUS: HeaderName = HeaderName::from_static("grpc-status");

pub(super) fn is_call(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind == GRPC)
}

/// Returns `UNAUTHENTICATED`. Without a message, gRPC sends the status as a header.
pub(super) fn unauthenticated() -> Response {
    [(CONTENT_TYPE, GRPC), (STATUS, "16")].into_response()
}

/// Returns a message in its frame, with status 0 in the trailers.
#[cfg(any(feature = "otlp-grpc", feature = "tonic-client"))]
pub(crate) fn grpc_answer(message: bytes::Bytes) -> Response {
    use axum::body::Body;
    use http::HeaderValue;
    use http_body_util::{BodyExt, Full};

    let ok = HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))]);
    let body = Full::new(message).with_trailers(std::future::ready(Some(Ok(ok))));
    ([(CONTENT_TYPE, GRPC)], Body::new(body)).into_response()
}

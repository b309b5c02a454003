//! The log: JSON lines on standard error. The span of each request names its caller.

use axum::body::Body;
use http::Request;
use tower_rotating_auth::inbound::Principal;
use tracing::field::Empty;
use tracing::{Level, Span, info_span};

/// Starts the log.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .json()
        .with_max_level(Level::INFO)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .init();
}

/// Returns the span of a request, whose caller is not known yet.
pub(crate) fn span(request: &Request<Body>) -> Span {
    info_span!(
        "request",
        method = %request.method(),
        // Without the query, where a client may have put its key.
        path = request.uri().path(),
        client = Empty,
        key_id = Empty,
    )
}

/// Records the caller in the span of its request. A public route has none.
pub(crate) fn record_caller(principal: &Principal) {
    if let Some(key) = principal.key() {
        let span = Span::current();
        span.record("client", key.client().as_str());
        span.record("key_id", key.key_id().as_str());
    }
}

//! The application of a gateway that waits for its first keys.

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use crate::gateway::error_response::Problem;

/// Answers that the process is alive, and nothing else.
pub(crate) fn health() -> Router {
    let waiting = json!({ "status": "waiting for keys" });
    let ready = (StatusCode::SERVICE_UNAVAILABLE, Json(waiting));
    Router::new()
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/readyz", get(async move || ready))
        .method_not_allowed_fallback(async || Problem::Method)
        .fallback(async || Problem::Waiting)
}

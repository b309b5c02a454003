//! Health endpoints. They need no key and reveal none.

use std::sync::Arc;
use std::time::SystemTime;

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tower_rotating_auth::{Rotating, rotating::Status};

use super::error_response::Problem;

/// Reads the status of one rotating value.
pub(crate) type Source = Box<dyn Fn() -> Status + Send + Sync>;

/// Returns the source of a rotating value's status.
pub(crate) fn source<T: Send + Sync + 'static>(rotating: &Rotating<T>) -> Source {
    let rotating = rotating.clone();
    Box::new(move || rotating.status())
}

/// Serves `/healthz` (the process is alive) and `/readyz` (every value is usable).
pub(crate) fn routes(sources: Vec<Source>) -> Router {
    let sources: Arc<[Source]> = sources.into();
    let statuses = move || sources.iter().map(|status| status()).collect::<Vec<_>>();
    Router::new()
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/readyz", get(async move || ready(&statuses())))
        .method_not_allowed_fallback(async || Problem::Method)
}

fn ready(sources: &[Status]) -> (StatusCode, Json<Value>) {
    let now = SystemTime::now();
    let usable = sources.iter().all(|source| usable_at(source, now));
    let (code, status) = if usable {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let sources: Vec<_> = sources
        .iter()
        .map(|source| {
            json!({
                "name": &*source.name,
                "usable": usable_at(source, now),
                "generation": source.generation.get(),
                "age_seconds": source.age.as_secs_f64(),
                "last_error": source.last_error.map(|class| class.to_string()),
                "failures": source.failures,
            })
        })
        .collect();
    (code, Json(json!({ "status": status, "sources": sources })))
}

/// Returns whether the value has not expired. There always is one.
fn usable_at(source: &Status, now: SystemTime) -> bool {
    source.expires_at.is_none_or(|expiry| now < expiry)
}

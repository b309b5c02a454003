//! `/v1/models` and `/v1/chat/completions`, for requests with the current key.

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_rotating_auth::Secret;

use super::chat;
use super::journal::Journal;
use super::key_writer::{CurrentKey, number_of};

/// The header in which the demo's gateway tells the upstream which request an attempt belongs to.
pub(super) const REQUEST_ID: &str = "x-demo-request";

#[derive(Clone)]
struct Upstream {
    current: CurrentKey,
    journal: Journal,
}

pub(super) fn routes(current: CurrentKey, journal: Journal) -> Router {
    let upstream = Upstream { current, journal };
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(complete))
        .fallback(async || error(StatusCode::NOT_FOUND, "not_found", "No such route."))
        .with_state(upstream.clone())
        .layer(from_fn_with_state(upstream, require_current_key))
}

async fn require_current_key(
    State(upstream): State<Upstream>,
    request: Request<axum::body::Body>,
    next: Next,
) -> Response {
    let headers = request.headers();
    let sent = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        .unwrap_or_default();
    let accepted = Secret::new(sent.to_vec()) == upstream.current.load().secret;
    if let Some((id, key)) = id_of(headers).zip(number_of(sent)) {
        upstream.journal.attempt(id, key, accepted);
    }
    if accepted {
        next.run(request).await
    } else {
        error(
            StatusCode::UNAUTHORIZED,
            "invalid_api_key",
            "This is not the current key.",
        )
    }
}

fn id_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(REQUEST_ID)?.to_str().ok()?.parse().ok()
}

async fn models() -> Response {
    let model = json!({ "id": "demo", "object": "model", "created": 0, "owned_by": "demo" });
    pretty(&json!({ "object": "list", "data": [model] }))
}

async fn complete(State(upstream): State<Upstream>, Json(asked): Json<Value>) -> Response {
    let reply = chat::Reply::new(&asked, upstream.current.load().number);
    if asked["stream"] == true {
        reply.stream().into_response()
    } else {
        pretty(&reply.whole())
    }
}

/// JSON for a terminal.
fn pretty(value: &Value) -> Response {
    let content_type = [(CONTENT_TYPE, "application/json")];
    (content_type, format!("{value:#}\n")).into_response()
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let error = json!({
        "message": message, "type": "invalid_request_error", "param": null, "code": code,
    });
    (status, Json(json!({ "error": error }))).into_response()
}

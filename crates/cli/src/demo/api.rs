//! `/v1/models` and `/v1/chat/completions`, for whoever has the current key.

use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{Request, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_rotating_auth::Secret;

use super::chat;
use super::upstream::CurrentKey;

pub(super) fn routes(current: CurrentKey) -> Router {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(complete))
        .fallback(async || {
            error(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is no such thing here.",
            )
        })
        .with_state(CurrentKey::clone(&current))
        .layer(from_fn_with_state(current, with_the_current_key))
}

async fn with_the_current_key(
    State(current): State<CurrentKey>,
    request: Request<axum::body::Body>,
    next: Next,
) -> Response {
    let sent = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if sent.is_some_and(|key| Secret::new(key.to_vec()) == current.load().key) {
        next.run(request).await
    } else {
        error(
            StatusCode::UNAUTHORIZED,
            "invalid_api_key",
            "This is not the current key.",
        )
    }
}

async fn models() -> Json<Value> {
    let model = json!({ "id": "demo", "object": "model", "created": 0, "owned_by": "demo" });
    Json(json!({ "object": "list", "data": [model] }))
}

async fn complete(State(current): State<CurrentKey>, Json(asked): Json<Value>) -> Response {
    let reply = chat::Reply::new(&asked, current.load().count);
    if asked["stream"] == true {
        reply.stream().into_response()
    } else {
        Json(reply.whole()).into_response()
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let error = json!({
        "message": message, "type": "invalid_request_error", "param": null, "code": code,
    });
    (status, Json(json!({ "error": error }))).into_response()
}

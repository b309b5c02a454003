//! The API: models, chats, and the administration of keys.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep;
use tower_rotating_auth::inbound::{ClientId, KeyId, Principal};
use tower_rotating_auth::keyring::{KeyRing, KeyRingErrorKind, RevokeRequest};

use crate::backend::Backend;

const MODEL: &str = "tiny";
/// The time that a token takes.
const PACE: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) ring: KeyRing,
    pub(crate) backend: Option<Backend>,
}

/// Returns the routes. The caller puts the layer that checks keys around them.
pub(crate) fn router(api: Api) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/models/{model}/load", post(load))
        .route("/admin/clients/{client}/revoke", post(revoke))
        .with_state(api)
}

async fn models(State(api): State<Api>, request: Request) -> Response {
    match api.backend {
        Some(backend) => backend.forward(request).await,
        None => Json(json!({ "object": "list", "data": [{ "id": MODEL, "object": "model" }] }))
            .into_response(),
    }
}

async fn chat(State(api): State<Api>, request: Request) -> Response {
    if let Some(backend) = api.backend {
        return backend.forward(request).await;
    }
    let body = match axum::body::to_bytes(request.into_body(), 1 << 20).await {
        Ok(body) => body,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let tokens = asked["max_tokens"].as_u64().unwrap_or(16);
    if asked["stream"] != true {
        return Json(completion(&json!({ "message": { "content": "noise" } }))).into_response();
    }
    let words = (0..tokens).map(|_| json!({ "delta": { "content": "noise " } }));
    let last = json!({ "delta": {}, "finish_reason": "length" });
    let choices = words
        .chain([last])
        .map(|choice| completion(&choice).to_string());
    let events = choices.chain(["[DONE]".to_owned()]);
    let paced = stream::iter(events).then(|data| async move {
        sleep(PACE).await;
        Ok::<_, Infallible>(Event::default().data(data))
    });
    Sse::new(paced).into_response()
}

fn completion(choice: &Value) -> Value {
    json!({ "id": "chat-1", "object": "chat.completion", "model": MODEL, "choices": [choice] })
}

/// Loads a model. The model `broken` panics with all that the handler knows of its caller.
async fn load(Path(model): Path<String>, principal: Principal, request: Request) -> Response {
    match &*model {
        MODEL => Json(json!({ "loaded": MODEL })).into_response(),
        "broken" => panic!(
            "cannot load {model} for {principal:?}: {:?}",
            request.headers()
        ),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Revokes all keys of a client.
async fn revoke(
    State(api): State<Api>,
    Path(client): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let client: ClientId = client.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let revoked = api.ring.revoke(RevokeRequest::from(client)).await;
    let revoked = revoked.map_err(|error| match error.kind() {
        KeyRingErrorKind::NotAllowed => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    })?;
    let revoked: Vec<_> = revoked.iter().map(KeyId::as_str).collect();
    Ok(Json(json!({ "revoked": revoked })))
}

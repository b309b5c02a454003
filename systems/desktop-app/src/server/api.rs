//! The API: models, chats, and the administration of keys.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use axum_server::tls::TlsInfo;
use futures_util::stream::unfold;
use http::StatusCode;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tokio::time::sleep;
use tower_rotating_auth::inbound::{Auth, ClientId, KeyId, Principal};
use tower_rotating_auth::keyring::{KeyRing, RevokeRequest};

use crate::backend::Backend;
use crate::log;

const MODEL: &str = "tiny";
/// The time that a token takes.
const PACE: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) ring: KeyRing,
    pub(crate) backend: Option<Backend>,
    /// The certificate that the administration asks for. Without TLS there is no administration.
    pub(crate) admin: Option<CertificateDer<'static>>,
}

/// Returns the routes. The caller puts the layer that checks keys around them.
pub(crate) fn router(api: Api) -> Router {
    let admin = post(revoke).route_layer(from_fn_with_state(api.clone(), require_certificate));
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/models/{model}/load", post(load))
        .route("/admin/clients/{client}/revoke", admin)
        .layer(from_fn(log::request))
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
    let chunks = unfold(0, move |sent| async move {
        sleep(PACE).await;
        let event = match sent {
            sent if sent < tokens => completion(&json!({ "delta": { "content": "noise " } })),
            sent if sent == tokens => {
                completion(&json!({ "delta": {}, "finish_reason": "length" }))
            }
            sent if sent == tokens + 1 => {
                return Some((
                    Ok::<_, Infallible>(Event::default().data("[DONE]")),
                    sent + 1,
                ));
            }
            _ => return None,
        };
        Some((Ok(Event::default().data(event.to_string())), sent + 1))
    });
    Sse::new(chunks).into_response()
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
    Auth(_): Auth,
) -> Result<Json<Value>, StatusCode> {
    let client: ClientId = client.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let revoked = api.ring.revoke(RevokeRequest::from(client)).await;
    let revoked = revoked.map_err(|_| StatusCode::NOT_FOUND)?;
    let revoked: Vec<_> = revoked.iter().map(KeyId::as_str).collect();
    Ok(Json(json!({ "revoked": revoked })))
}

/// Asks for the app's certificate beside its key: a key that has leaked revokes nothing.
async fn require_certificate(
    State(api): State<Api>,
    tls: Option<Extension<Arc<TlsInfo>>>,
    request: Request,
    next: Next,
) -> Response {
    let shown = tls.as_ref().and_then(|tls| tls.peer_certificates.first());
    match (shown, &api.admin) {
        (Some(shown), Some(admin)) if **shown == **admin => next.run(request).await,
        _ => (StatusCode::FORBIDDEN, "needs the app's certificate\n").into_response(),
    }
}

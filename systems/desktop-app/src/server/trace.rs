//! Log lines in JSON, one for each request and each refusal. None contains a key.

use axum::Extension;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;
use tower_rotating_auth::inbound::{ClientId, Event, EventKind, KeyId, Principal};
use tower_rotating_auth::keyring::KeyWarning;

/// Writes who made the request, and with which key. A public route has no principal.
pub(crate) async fn request(
    principal: Option<Extension<Principal>>,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let key = principal.as_ref().and_then(|principal| principal.key());
    let line = json!({
        "event": "request",
        "client": key.map(|key| key.client().as_str()),
        "key": key.map(|key| key.key_id().as_str()),
        "method": method.as_str(),
        "path": path,
        "status": response.status().as_u16(),
    });
    println!("{line}");
    response
}

/// Writes why a request was refused, and whose key it had, where that is known.
pub(crate) fn refused(event: &Event) {
    if let EventKind::Refused {
        reason,
        client,
        key_id,
        method,
        route,
        ..
    } = &event.kind
    {
        let line = json!({
            "event": "refused",
            "client": client.as_ref().map(ClientId::as_str),
            "key": key_id.as_ref().map(KeyId::as_str),
            "method": method.as_str(),
            "path": &**route,
            "reason": reason,
        });
        println!("{line}");
    }
}

pub(crate) fn key_warning(warning: &KeyWarning) {
    println!(
        "{}",
        json!({ "event": "warning", "text": format!("{warning:?}") })
    );
}

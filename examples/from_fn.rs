//! A middleware of your own, with axum's `from_fn`: find the key, verify it, remove it, answer
//! refusals.
//!
//! ```console
//! cargo run --example from_fn
//! ```
//!
//! `RequireKeyLayer` does this and more: routes without a key, scopes, long responses that end with
//! their key, keys that cannot be loaded. Write your own where you must decide differently.

use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use tower::{BoxError, ServiceExt};
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{AuthError, AuthErrorResponse, ClientId, KeyLocations, KeySet, verify_at},
};

const KEY: &str = "trk_a1_vK3qYw8RzT5mN2xJ7hBcDf";
const NEW_KEY: &str = "trk_b2_pW6sLu9EoGiQy4kVtXnZrM";

async fn require_key(
    State(keys): State<Rotating<KeySet>>,
    mut request: Request,
    next: Next,
) -> Response {
    let locations = KeyLocations::default();
    match client(&keys, &locations, &request) {
        Ok(client) => {
            // Nobody behind this sees the key, and so nobody can log or forward it.
            let (mut head, body) = request.into_parts();
            locations.strip(&mut head.headers, &mut head.uri);
            request = Request::from_parts(head, body);
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(refused) => AuthErrorResponse::default()
            .response(
                &refused,
                request.method(),
                request.version(),
                request.headers(),
            )
            .map(Body::from)
            .into_response(),
    }
}

/// Returns the client whose valid key a request presents.
fn client(
    keys: &Rotating<KeySet>,
    locations: &KeyLocations,
    request: &Request,
) -> Result<ClientId, AuthError> {
    let token = locations.extract(request.headers(), request.uri())?;
    let keys = keys.current(); // once for each request: one decision, one set of keys
    // The error knows the reason, for a log. The response says the same whatever the reason is.
    let record = verify_at(&keys, token.bytes(), SystemTime::now())?;
    Ok(record.client().clone())
}

async fn hello(Extension(client): Extension<ClientId>, headers: HeaderMap) -> String {
    assert!(!headers.contains_key("authorization"));
    format!("hello, {client}")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let set = |key: &str| KeySet::from_plain_keys(&Secret::from(key));
    let (keys, mut publisher) = Rotating::manual(set(KEY)?);
    let app = Router::new()
        .route("/", get(hello))
        .layer(from_fn_with_state(keys, require_key));

    let ask = async |key: &str| -> Result<u16, BoxError> {
        let request = Request::get("/").header("authorization", format!("Bearer {key}"));
        let response = app.clone().oneshot(request.body(Body::empty())?).await?;
        println!("{}  {key}", response.status());
        Ok(response.status().as_u16())
    };
    assert_eq!((ask(KEY).await?, ask(NEW_KEY).await?), (200, 401));
    publisher.publish(set(NEW_KEY)?); // in force for the next request
    assert_eq!((ask(KEY).await?, ask(NEW_KEY).await?), (401, 200));
    Ok(())
}

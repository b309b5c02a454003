//! A key that an HTTP endpoint answers with in JSON, asked with a token of its own.
//!
//! ```console
//! cargo run --example http_source --features http
//! ```

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::BoxError;
use tower_rotating_auth::{
    Rotating, Secret,
    source::{HttpSource, KeyRule, SecretSource, SourceError, source_fn},
};

static ISSUED: AtomicU32 = AtomicU32::new(0);

/// `{"data": {"key": "sk-1"}}`, for whoever has the token.
async fn answer(headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    match headers.get("authorization") {
        Some(token) if token == "Bearer t0ken" => {
            let number = ISSUED.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(Json(json!({ "data": { "key": format!("sk-{number}") } })))
        }
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/key", listener.local_addr()?);
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/v1/key", get(answer))).await
    });

    // A `FileSource` in a real program: the token may rotate as well.
    let token = source_fn(|| async { Ok::<_, SourceError>(Secret::from("t0ken")) });
    let source = HttpSource::new(&*url)? // https, or http on loopback
        .pointer("/data/key")
        .bearer(token)
        .poll(Duration::from_secs(1))
        .matching(KeyRule::new().prefix("sk-")); // an error page never replaces a good key
    let key = Rotating::start(source).await?;

    let mut changes = key.subscribe();
    let current = changes.changed().await.ok_or("the refresh task stopped")?;
    assert_eq!(current.expose_secret(), b"sk-2");
    println!("generation {} by itself", current.generation());
    Ok(())
}

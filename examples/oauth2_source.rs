//! Access tokens of an OAuth 2.0 server, refreshed ahead of their expiry.
//!
//! ```console
//! cargo run --example oauth2_source --features oauth2
//! ```

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::BoxError;
use tower_rotating_auth::{
    Secret,
    outbound::{IntoCredential, RotatingCredential},
    rotating::RefreshAhead,
    source::{ClientAuth, OAuth2Source, SourceError, source_fn},
};

static ISSUED: AtomicU32 = AtomicU32::new(0);

/// Stands in for the server. Its tokens are good for three seconds.
async fn token() -> Json<Value> {
    let number = ISSUED.fetch_add(1, Ordering::Relaxed) + 1;
    let token = format!("token-{number}");
    Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3 }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/token", listener.local_addr()?);
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/token", post(token))).await },
    );

    // A `FileSource` in a real program: the client's secret may rotate as well.
    let secret = source_fn(|| async { Ok::<_, SourceError>(Secret::from("s3cret")) });
    let source = OAuth2Source::client_credentials(&*url, "batch", ClientAuth::basic(secret))?;
    let source = source.scope("models:read");
    let token = RotatingCredential::builder()
        .refresh_ahead(RefreshAhead::before(Duration::from_millis(1_200)))
        .start(source.bearer())
        .await?;

    let mut changes = token.subscribe();
    for _ in 0..2 {
        let current = changes.changed().await.ok_or("the refresh task stopped")?;
        assert!(!current.expired_at(SystemTime::now()));
        println!(
            "token {} came before its predecessor expired",
            current.generation()
        );
    }
    Ok(())
}

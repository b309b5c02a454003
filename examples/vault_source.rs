//! A secret in HashiCorp Vault or OpenBao, read with a login by AppRole.
//!
//! ```console
//! cargo run --example vault_source --features vault
//! ```

use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::BoxError;
use tower_rotating_auth::{
    Rotating,
    source::{FileSource, SecretSource, VaultAuth, VaultSource},
};

/// Stands in for `POST auth/approle/login`.
async fn login() -> Json<Value> {
    let auth = json!({ "client_token": "hvs.1", "lease_duration": 60, "renewable": true });
    Json(json!({ "auth": auth }))
}

/// Stands in for a store of KV version 2.
async fn read() -> Json<Value> {
    let (data, metadata) = (json!({ "api_key": "sk-1f0c" }), json!({ "version": 1 }));
    Json(json!({ "data": { "data": data, "metadata": metadata } }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/v1/auth/approle/login", post(login))
        .route("/v1/secret/data/openai", get(read));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let folder = tempfile::tempdir()?;
    let secret_id = folder.path().join("secret-id");
    std::fs::write(&secret_id, "5d1f\n")?;

    // The file is read again for each login.
    let auth = VaultAuth::app_role("gateway", FileSource::new(secret_id));
    let source = VaultSource::kv2(&*address, "secret", "openai", auth)?
        .field("api_key")
        .cached_on_disk(folder.path().join("openai.last-good")); // for a restart in an outage
    let key = Rotating::start(source).await?;
    assert_eq!(key.current().expose_secret(), b"sk-1f0c");
    println!("generation {}", key.current().generation());
    Ok(())
}

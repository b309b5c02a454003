//! A source of your own: a token endpoint whose tokens expire, refreshed ahead of expiry.
//!
//! ```console
//! cargo run --example custom_source
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::BoxError;
use tower_rotating_auth::{
    Secret,
    outbound::{IntoCredential, RotatingCredential},
    source::{Expiry, Fetch, Fetched, Source, SourceError},
};

const LIFETIME: Duration = Duration::from_secs(2);

/// Asks an endpoint for `{"access_token": "…", "expires_in": 3600}`.
struct TokenEndpoint {
    client: reqwest::Client,
    url: String,
}

impl Source for TokenEndpoint {
    type Value = Secret;

    async fn fetch(&mut self, _: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        // An error is transient unless it says otherwise: the engine tries again, with backoff, and
        // keeps the last good token. Never put the response into an error: it may hold the token.
        let failed = |why: reqwest::Error| {
            SourceError::transient("the token endpoint failed").with_source(why.without_url())
        };
        let response = self.client.get(&self.url).send().await.map_err(failed)?;
        let response = response.error_for_status().map_err(failed)?;
        let body = response.bytes().await.map_err(failed)?;

        let invalid = || SourceError::invalid("the token endpoint sent no token");
        let body: Value = serde_json::from_slice(&body).map_err(|_| invalid())?;
        let token = body["access_token"].as_str().ok_or_else(invalid)?;
        let lifetime = body["expires_in"].as_f64().ok_or_else(invalid)?;
        Ok(Fetched::new(Secret::from(token)).expires(Expiry::in_seconds(lifetime)?))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let url = serve().await?;
    let client = reqwest::Client::new(); // of its own: not one that sends the key it fetches
    let token = RotatingCredential::start(TokenEndpoint { client, url }.bearer()).await?;

    let mut changes = token.subscribe();
    let mut fetched = Instant::now();
    for _ in 0..2 {
        let current = changes.changed().await.ok_or("the refresh task stopped")?;
        let age = fetched.elapsed();
        fetched = Instant::now();
        println!(
            "token {} after {:.1} s, of {:.1} s that its predecessor was good for",
            current.generation(),
            age.as_secs_f64(),
            LIFETIME.as_secs_f64(),
        );
        assert!(age < LIFETIME, "the token expired before it was refreshed");
    }
    Ok(())
}

/// Serves a token endpoint on a free port of loopback, and returns its URL.
async fn serve() -> Result<String, BoxError> {
    let issued = Arc::new(AtomicU32::new(0));
    let token = async move || {
        let number = issued.fetch_add(1, Ordering::Relaxed);
        let token = format!("token-{number}");
        json!({ "access_token": token, "expires_in": LIFETIME.as_secs() }).to_string()
    };
    let app = Router::new().route("/token", get(token));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/token", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(url)
}

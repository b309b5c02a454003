//! A rate limit for each client, whichever of its keys it presents, beside a public route.
//!
//! ```console
//! cargo run --package tower-rotating-auth-governor --example rate_limited
//! ```

use std::net::SocketAddr;
use std::time::Duration;

use axum::routing::get;
use axum::{BoxError, Router};
use http::Method;
use tokio::net::TcpListener;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_rotating_auth::{
    Rotating,
    inbound::policy::RoutePolicy,
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer, Scopes},
};
use tower_rotating_auth_governor::ClientKeyExtractor;

const BATCH: &str = "batch-1-vK3qYw8RzT5mN2xJ7hBcDf";
const BATCH_TOO: &str = "batch-2-pW6sLu9EoGiQy4kVtXnZrM";
const WEBAPP: &str = "webapp-1-cJ8dHa5YbUeRw3nKzQxTmF";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let record = |id: &str, client: &str| -> Result<KeyRecord, BoxError> {
        let (id, client) = (id.parse()?, client.parse()?);
        Ok(KeyRecord::new(id, client, Scopes::default()))
    };
    let (keys, _publisher) = Rotating::manual(KeySet::new([
        (KeyDigest::of(BATCH.as_bytes()), record("k1", "batch")?),
        (KeyDigest::of(BATCH_TOO.as_bytes()), record("k2", "batch")?),
        (KeyDigest::of(WEBAPP.as_bytes()), record("k3", "webapp")?),
    ])?);
    let policy = RoutePolicy::new()
        .public(Method::GET, "/health")?
        .optional(Method::GET, "/prices")?;
    let limit = GovernorConfigBuilder::default()
        .period(Duration::from_secs(60))
        .burst_size(3)
        .key_extractor(ClientKeyExtractor::new())
        .finish()
        .ok_or("the period or the burst is zero")?;

    let limited = Router::new()
        .route("/models", get(|| async { "models" }))
        .route("/prices", get(|| async { "prices" }))
        .layer(GovernorLayer::new(limit)); // inside: sees the principal, and no refused request
    let app = Router::new()
        .route("/health", get(|| async { "fine" })) // not limited: probes must always get through
        .merge(limited)
        .layer(RequireKeyLayer::new(keys).policy(policy)); // outside, around all routes

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });

    println!("three requests for each client, then one a minute");
    let client = reqwest::Client::new();
    for (who, path, key, statuses) in [
        ("batch", "/models", BATCH, "200 200 200 429 429"),
        ("batch, another key", "/models", BATCH_TOO, "429"),
        ("webapp", "/models", WEBAPP, "200 200 200"),
        ("a wrong key", "/models", "guessed", "401 401 401 401"),
        ("anonymous, optional key", "/prices", "", "200 200 200 429"),
        ("anonymous, public route", "/health", "", "200 200 200 200"),
    ] {
        let mut seen = Vec::new();
        for _ in statuses.split(' ') {
            let request = client.get(format!("{url}{path}"));
            let request = match key {
                "" => request,
                key => request.bearer_auth(key),
            };
            let status = request.send().await?.status();
            seen.push(status.as_str().to_owned());
        }
        println!("  {who:<24} {}", seen.join(" "));
        assert_eq!(seen.join(" "), statuses, "{who}");
    }
    Ok(())
}

//! Tests of [`OAuth2Source`] against oidc-provider, whose tokens are good for four seconds by
//! default.

use std::env;
use std::fs;
use std::process::Command;
use std::time::Duration;

use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating, Secret,
    source::{ClientAuth, HttpClient, OAuth2Source, SourceError, SourceErrorKind, source_fn},
};

use crate::process::{Server, free_port, installed};

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Starts a server with the client `gateway`, whose secret is `s3cret`.
async fn provider(test: &str) -> Option<(Server, u16, tempfile::TempDir)> {
    let modules = installed("OIDC_MODULES", test)?;
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let program = folder.path().join("provider.mjs");
    let text = format!(
        r#"
        import Provider from '{modules}/oidc-provider/lib/index.js';
        const client = {{ client_id: 'gateway', client_secret: 's3cret', grant_types: ['client_credentials'],
          redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic' }};
        new Provider('http://127.0.0.1:{port}', {{
          clients: [client],
          features: {{ clientCredentials: {{ enabled: true }}, introspection: {{ enabled: true }},
            devInteractions: {{ enabled: false }} }},
          ttl: {{ ClientCredentials: () => {lifetime} }},
          scopes: ['api'],
        }}).listen({port}, '127.0.0.1');
        "#,
        modules = modules.display(),
        lifetime = number("TOKEN_LIFETIME", 4),
    );
    fs::write(&program, text).unwrap();
    let server = Server::start(Command::new("node").arg(program), port).await;
    Some((server, port, folder))
}

fn source(port: u16, secret: &'static str) -> OAuth2Source {
    let secret = source_fn(move || async move { Ok::<_, SourceError>(Secret::from(secret)) });
    let url = format!("http://127.0.0.1:{port}/token");
    let auth = ClientAuth::basic(secret);
    let source = OAuth2Source::client_credentials(&*url, "gateway", auth).unwrap();
    source.scope("api").client(HttpClient::default())
}

/// Returns whether the server knows the token, as an upstream would ask it.
async fn is_active(client: &reqwest::Client, port: u16, token: &str) -> bool {
    let answer = client
        .post(format!("http://127.0.0.1:{port}/token/introspection"))
        .header("authorization", "Basic Z2F0ZXdheTpzM2NyZXQ=")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token={token}"))
        .send();
    let answer = answer.await.unwrap().bytes().await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    answer["active"] == true
}

#[tokio::test]
async fn no_expired_token_reaches_the_upstream() {
    let test = "no_expired_token_reaches_the_upstream";
    let Some((_server, port, _folder)) = provider(test).await else {
        return;
    };
    let key = Rotating::start(source(port, "s3cret"))
        .await
        .expect("a token");
    let client = reqwest::Client::new();
    let seconds = number("TOKEN_SECONDS", 15);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut accepted, mut rejected) = (0_u32, 0_u32);
    while Instant::now() < until {
        let current = key.current();
        let token = std::str::from_utf8(current.expose_secret()).unwrap();
        match is_active(&client, port, token).await {
            true => accepted += 1,
            false => rejected += 1,
        }
    }
    let generations = key.current().generation();
    println!("{accepted} accepted, {rejected} rejected, {generations} tokens in {seconds} s");
    assert_eq!(rejected, 0);
    assert!(
        generations.get() >= seconds / (number("TOKEN_LIFETIME", 4) + 1),
        "{generations}"
    );
}

#[tokio::test]
async fn wrong_client_secret_is_permanent() {
    let test = "wrong_client_secret_is_permanent";
    let Some((_server, port, _folder)) = provider(test).await else {
        return;
    };
    let error = Rotating::start(source(port, "wrong"))
        .await
        .expect_err("no token");
    let error = error.source_error().expect("the source failed");
    assert_eq!(error.kind(), SourceErrorKind::Permanent);
    assert!(error.to_string().contains("invalid_client"), "{error}");
}

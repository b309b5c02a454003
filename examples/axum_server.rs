//! An axum server whose clients' keys live in a TOML file.
//!
//! ```console
//! cargo run --example axum_server --features axum,key-file
//! ```
//!
//! The file holds digests of keys, never keys. Removing a key from it takes effect without a
//! restart.

use std::fs;
use std::path::Path;

use axum::Router;
use axum::routing::get;
use reqwest::{Client, StatusCode};
use tokio::net::TcpListener;
use tower::BoxError;
use tower_rotating_auth::{
    Rotating, RotatingAuthLayer,
    inbound::{Auth, KeyDigest, RequireKeyLayer},
    source::FileSource,
};

// `rotating-auth key issue` makes keys like these, prints each one once, and stores its digest.
const LAPTOP: &str = "trk_a1_vK3qYw8RzT5mN2xJ7hBcDf";
const BATCH: &str = "trk_b2_pW6sLu9EoGiQy4kVtXnZrM";

async fn hello(Auth(principal): Auth) -> String {
    format!("hello, {}", principal.client())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("keys.toml");
    write_keys(&path, &[("laptop", LAPTOP), ("batch", BATCH)])?;

    // The server: this is all that an application needs.
    let keys = Rotating::start(FileSource::new(&path).key_set()).await?;
    let require = RequireKeyLayer::new(keys.clone()).realm("hello")?;
    let app = Router::new()
        .route("/", get(hello))
        .layer(RotatingAuthLayer::new().require(require));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });

    // Its clients.
    let client = Client::new();
    let ask = async |who: &str, key: Option<&str>| -> Result<StatusCode, BoxError> {
        let request = client.get(&url);
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let response = request.send().await?;
        let status = response.status();
        println!("{who:<24} {status}  {}", response.text().await?);
        Ok(status)
    };
    assert_eq!(ask("laptop", Some(LAPTOP)).await?, StatusCode::OK);
    assert_eq!(ask("batch", Some(BATCH)).await?, StatusCode::OK);
    assert_eq!(ask("no key", None).await?, StatusCode::UNAUTHORIZED);

    // Somebody removes a key from the file, and the server notices.
    let mut changes = keys.subscribe();
    write_keys(&path, &[("laptop", LAPTOP)])?;
    changes.changed().await.ok_or("the refresh task stopped")?;
    let status = ask("batch, after its removal", Some(BATCH)).await?;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("laptop", Some(LAPTOP)).await?, StatusCode::OK);
    Ok(())
}

/// Writes a key file in one step, so that the server never reads half of it.
fn write_keys(path: &Path, keys: &[(&str, &str)]) -> Result<(), BoxError> {
    let mut text = String::from("version = 1\n");
    for (client, key) in keys {
        let digest = KeyDigest::of(key.as_bytes()).to_text();
        text.push_str(&format!(
            "\n[[client]]\nid = \"{client}\"\n\
             [[key]]\nid = \"{client}-1\"\nclient = \"{client}\"\ndigest = \"{digest}\"\n"
        ));
    }
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, path)?;
    Ok(())
}

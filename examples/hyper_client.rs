//! A hyper client whose key lives in a file that somebody else rewrites.
//!
//! ```console
//! cargo run --example hyper_client
//! ```

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder};
use tower_rotating_auth::{
    RotatingAuthLayer,
    outbound::{InjectKeyLayer, IntoCredential, Outcome, RotatingCredential},
    source::FileSource,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let upstream = Upstream::accepting("sk-1");
    let url = upstream.serve().await?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("upstream-key");
    fs::write(&path, "sk-1")?;

    // The client: this is all that an application needs.
    let key = RotatingCredential::start(FileSource::new(&path).bearer()).await?;
    let client = ServiceBuilder::new()
        .layer(RotatingAuthLayer::new().inject(InjectKeyLayer::new(&*url, key)?))
        .service(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());

    for round in 1..=3 {
        let request = Request::get(&url).body(Full::default())?;
        let response = client.clone().oneshot(request).await?;
        let status = response.status();
        match response.extensions().get::<Outcome>() {
            Some(outcome) => println!("{status}  {:?}", outcome.attempts()),
            None => println!("{status}"),
        }
        assert_eq!(status, StatusCode::OK);

        // The upstream takes a new key from now on, and the file has it: rename, never truncate.
        let next = format!("sk-{}", round + 1);
        let new = path.with_extension("new");
        fs::write(&new, &next)?;
        fs::rename(&new, &path)?;
        upstream.accept(&next);
    }
    Ok(())
}

/// A server that accepts one key.
#[derive(Clone)]
struct Upstream(Arc<Mutex<String>>);

impl Upstream {
    fn accepting(key: &str) -> Self {
        Self(Arc::new(Mutex::new(key.into())))
    }

    fn accept(&self, key: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = key.into();
    }

    async fn answer(State(upstream): State<Self>, headers: HeaderMap) -> StatusCode {
        let key = upstream.0.lock().unwrap_or_else(PoisonError::into_inner);
        match headers.get("authorization") {
            Some(sent) if *sent == format!("Bearer {key}") => StatusCode::OK,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    async fn serve(&self) -> Result<String, BoxError> {
        let app = Router::new().route("/", get(Self::answer));
        let app = app.with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(url)
    }
}

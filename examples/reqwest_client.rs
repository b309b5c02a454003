//! A reqwest client whose key comes from a secret store, asked by a closure.
//!
//! ```console
//! cargo run --example reqwest_client
//! ```
//!
//! `ClientAdapter` is made of functions that reqwest has already, so it works with any version.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use reqwest::{Client, Request, Response};
use tokio::net::TcpListener;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_rotating_auth::{
    Secret,
    outbound::adapter::ClientAdapter,
    outbound::{InjectKeyLayer, IntoCredential, Outcome, RotatingCredential},
    source::{SourceError, source_fn},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let store = Store::default();
    let url = serve(store.clone()).await?;

    // The client: this is all that an application needs.
    let fetch = {
        let store = store.clone();
        move || {
            let key = Secret::from(store.key());
            async { Ok::<_, SourceError>(key) }
        }
    };
    let key = RotatingCredential::builder()
        .min_interval(Duration::from_millis(10)) // a store in this process may be asked often
        .start(source_fn(fetch).bearer())
        .await?;
    let adapter = ClientAdapter::new(Request::url, Request::headers_mut, Request::try_clone)
        .method(Request::method)
        .head(Response::status, Response::headers)
        .extensions(Response::extensions_mut);
    let mut client = ServiceBuilder::new()
        .layer(InjectKeyLayer::new(&*url, key)?.adapter(adapter))
        .service(Client::new());

    for rotated in [false, true, false] {
        if rotated {
            store.rotate();
        }
        let request = Request::new(http::Method::GET, url.parse()?);
        let response = client.ready().await?.call(request).await?;
        let outcome: Option<&Outcome> = response.extensions().get();
        println!("{}  {outcome:?}", response.status());
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(outcome.is_some_and(Outcome::is_replayed), rotated);
    }
    Ok(())
}

/// The secret store, which the upstream shares: a rotation replaces the key for both at once.
#[derive(Clone, Default)]
struct Store(Arc<AtomicU32>);

impl Store {
    fn key(&self) -> String {
        format!("sk-{}", self.0.load(Ordering::Relaxed))
    }

    fn rotate(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Serves an upstream that accepts the current key.
async fn serve(store: Store) -> Result<String, BoxError> {
    let answer = async move |headers: HeaderMap| match headers.get("authorization") {
        Some(sent) if *sent == format!("Bearer {}", store.key()) => StatusCode::OK,
        _ => StatusCode::UNAUTHORIZED,
    };
    let app = Router::new().route("/", get(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(url)
}

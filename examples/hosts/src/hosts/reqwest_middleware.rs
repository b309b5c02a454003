//! reqwest-middleware: add the key last, so that each attempt of a retry above it carries the
//! current key.
//!
//! Without other middleware, put the layer on the client itself, as in `reqwest.rs`.

use async_trait::async_trait;
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::Extensions;
use reqwest::{Client, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};
use tokio::sync::Mutex;
use tower::{Layer, service_fn};
use tower_rotating_auth::{
    outbound::adapter::{ClientAdapter, ResponseAdapter},
    outbound::{ConfigError, InjectKeyLayer, RotatingCredential},
};

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

struct Keyed(InjectKeyLayer<ClientAdapter<Request, ResponseAdapter<Response, Error>>>);

#[async_trait]
impl Middleware for Keyed {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let extensions = &Mutex::new(extensions);
        let rest = service_fn(move |request| {
            let next = next.clone();
            async move { next.run(request, &mut **extensions.lock().await).await }
        });
        self.0.layer(rest).oneshot(request).await
    }
}

fn keyed_client(url: &str, key: RotatingCredential) -> Result<ClientWithMiddleware, ConfigError> {
    let adapter = ClientAdapter::new(Request::url, Request::headers_mut, Request::try_clone)
        .method(Request::method)
        .status(Response::status)
        .extensions(Response::extensions_mut);
    let keyed = Keyed(InjectKeyLayer::new(url, key)?.adapter(adapter));
    Ok(ClientBuilder::new(Client::new()).with(keyed).build())
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let echo = Router::new().route("/echo", post(|body: Bytes| async { body }));
    let url = upstream.serve(echo).await?;
    let client = keyed_client(&url, upstream.key().await?)?;

    under_load(&upstream, move || {
        let request = client.post(format!("{url}/echo")).body("hello");
        async move {
            let response = request.send().await?.error_for_status()?;
            match response.bytes().await?.as_ref() {
                b"hello" => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }
    })
    .await
}

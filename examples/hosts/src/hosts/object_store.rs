//! object_store: each store sends through an `HttpService` that an `HttpConnector` makes.
//!
//! Wrap the connector that you use, such as `ReqwestConnector`. This works for stores that take a
//! key in a header. Bodies can be cloned, uploads too. The store's own retry of server errors is
//! above the layer, so each retry carries the current key.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::TokioExecutor;
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tower::{Layer, service_fn};
use tower_rotating_auth::outbound::{InjectKeyLayer, RotatingCredential};

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

/// Wraps the clients of another connector so that they carry the current key.
#[derive(Debug)]
struct KeyedConnector<C> {
    inject: InjectKeyLayer,
    connector: C,
}

impl<C: HttpConnector> HttpConnector for KeyedConnector<C> {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self.connector.connect(options)?;
        let inject = self.inject.clone();
        Ok(HttpClient::new(Keyed { inject, client }))
    }
}

#[derive(Debug)]
struct Keyed {
    inject: InjectKeyLayer,
    client: HttpClient,
}

#[async_trait]
impl HttpService for Keyed {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let client = service_fn(|request| self.client.execute(request));
        self.inject.layer(client).oneshot(request).await
    }
}

fn keyed_store(
    url: &str,
    key: RotatingCredential,
    connector: impl HttpConnector,
) -> Result<impl ObjectStore, Failed> {
    let inject = InjectKeyLayer::new(url, key)?;
    Ok(HttpBuilder::new()
        .with_url(url)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_http_connector(KeyedConnector { inject, connector })
        .build()?)
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let bucket = Router::new().route("/greeting", get(async || "hello"));
    let url = upstream.serve(bucket).await?;
    let store = Arc::new(keyed_store(&url, upstream.key().await?, ClearText)?);

    under_load(&upstream, move || {
        let store = Arc::clone(&store);
        async move {
            let object = store.get(&Path::from("greeting")).await?;
            match object.bytes().await?.as_ref() {
                b"hello" => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }
    })
    .await
}

/// Replaces `ReqwestConnector`, which does not build without TLS.
#[derive(Debug)]
struct ClearText;

impl HttpConnector for ClearText {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(HttpClient::new(ClearTextClient(client)))
    }
}

#[derive(Debug)]
struct ClearTextClient(Client<TcpConnector, HttpRequestBody>);

#[async_trait]
impl HttpService for ClearTextClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.request(request).await;
        let response = response.map_err(|why| HttpError::new(HttpErrorKind::Request, why))?;
        let unread = |why| HttpError::new(HttpErrorKind::Interrupted, why);
        Ok(response.map(|body| HttpResponseBody::new(body.map_err(unread))))
    }
}

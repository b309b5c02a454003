//! reqwest 0.12, beside a newer one: the same functions of the older crate.

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use reqwest_012::{Client, Error, Request, Response};
use tower::Layer;
use tower_rotating_auth::{
    outbound::adapter::{ClientAdapter, ResponseAdapter},
    outbound::{ConfigError, InjectKey, InjectKeyLayer, RotatingCredential},
};

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

/// The type of the client, for the rest of a program to name.
type KeyedClient = InjectKey<Client, ClientAdapter<Request, ResponseAdapter<Response, Error>>>;

fn keyed_client(url: &str, key: RotatingCredential) -> Result<KeyedClient, ConfigError> {
    let adapter = ClientAdapter::new(Request::url, Request::headers_mut, Request::try_clone)
        .method(Request::method)
        .status(Response::status)
        .extensions(Response::extensions_mut);
    Ok(InjectKeyLayer::new(url, key)?
        .adapter(adapter)
        .layer(Client::new()))
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let echo = Router::new().route("/echo", post(|body: Bytes| async { body }));
    let url = upstream.serve(echo).await?;
    let client = keyed_client(&url, upstream.key().await?)?;

    under_load(&upstream, move || {
        let client = client.clone();
        let request = client.inner().post(format!("{url}/echo")).body("hello");
        async move {
            let response = client.oneshot(request.build()?).await?.error_for_status()?;
            match response.bytes().await?.as_ref() {
                b"hello" => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }
    })
    .await
}

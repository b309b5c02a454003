//! hyper-util: its client is a Tower service of `http::Request`, so the layer goes straight onto
//! it.
//!
//! The layer clones a body in memory for a replay.

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::Layer;
use tower_rotating_auth::{
    outbound::adapter::HttpAdapter,
    outbound::{ConfigError, InjectKey, InjectKeyLayer, RotatingCredential},
};

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

/// The type of the client, for the rest of a program to name.
type KeyedClient = InjectKey<Client<HttpConnector, Full<Bytes>>, HttpAdapter>;

fn keyed_client(url: &str, key: RotatingCredential) -> Result<KeyedClient, ConfigError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    Ok(InjectKeyLayer::new(url, key)?.layer(client))
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let echo = Router::new().route("/echo", post(|body: Bytes| async { body }));
    let url = upstream.serve(echo).await?;
    let client = keyed_client(&url, upstream.key().await?)?;

    under_load(&upstream, move || {
        let client = client.clone();
        let request = Request::post(format!("{url}/echo")).body(Full::from("hello"));
        async move {
            let response = client.oneshot(request?).await?;
            let status = response.status();
            let body = response.collect().await?.to_bytes();
            match (status.as_u16(), body.as_ref()) {
                (200, b"hello") => Ok(()),
                _ => Err(format!("{status}, {body:?}").into()),
            }
        }
    })
    .await
}

//! tonic, as a server: the inbound layer goes onto the server, before all of its services.
//!
//! Methods find the caller in the extensions of the request. Refused calls get gRPC's own status
//! codes. A call ends with its caller's key, so the old key must stay valid for as long as the
//! longest call.

use std::future::ready;

use axum::Router;
use axum::routing::post;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::layer::util::{Identity, Stack};
use tower::service_fn;
use tower_rotating_auth::{
    Rotating,
    inbound::{KeyDigest, KeyId, KeyRecord, KeySet, Principal, RequireKeyLayer, Scopes},
};

use super::tonic_client::{SAY, keyed_channel, say};
use crate::harness::{Failed, Rotation, Tally, Upstream, token, under_load};

/// Returns a server that takes `.add_service(GreeterServer::new(…))` and the rest as usual.
fn guarded_server(keys: Rotating<KeySet>) -> Server<Stack<RequireKeyLayer, Identity>> {
    Server::builder().layer(RequireKeyLayer::new(keys))
}

/// Returns the id of the key that a call presented.
fn key_of<T>(call: &Request<T>) -> Option<&KeyId> {
    let principal = call.extensions().get().and_then(Principal::key)?;
    Some(principal.key_id())
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::Overlap);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (keys, mut publisher) = Rotating::manual(keys_up_to(1));
    upstream.on_rotation(move |number| {
        publisher.publish(keys_up_to(number));
    });

    let seen = upstream.clone();
    let echo = service_fn(move |call: Request<String>| {
        let number = key_of(&call).and_then(|name| name.as_str().parse().ok());
        if let Some(number) = number {
            seen.admitted(number);
        }
        ready(Ok::<_, Status>(Response::new(call.into_inner())))
    });
    let echo = post(async move |call: http::Request<axum::body::Body>| {
        let mut method = tonic::server::Grpc::new(ProstCodec::default());
        method.unary(echo, call).await
    });
    let server = guarded_server(keys)
        .add_routes(Routes::from(Router::new().route(SAY, echo)))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);
    let channel = keyed_channel(&url, upstream.key().await?)?;

    under_load(&upstream, move || say(channel.clone())).await
}

/// Returns a set of the key with this number and the one before it.
fn keys_up_to(number: usize) -> KeySet {
    let keys = (1..=number).rev().take(2).map(|number| {
        let name = number.to_string().parse().expect("a name");
        let client = "caller".parse().expect("a name");
        let record = KeyRecord::new(name, client, Scopes::default());
        (KeyDigest::of(token(number).as_bytes()), record)
    });
    KeySet::new(keys).expect("keys that differ")
}

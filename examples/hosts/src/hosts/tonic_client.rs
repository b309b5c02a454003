//! tonic, as a client: the layer goes onto the channel, below the generated client.
//!
//! A generated client sends a path without an origin, so `assume_origin` names the origin. The
//! layer records messages while they are sent, so that it can replay the call. A server rejects a
//! key by a status before any message.

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;
use tower::Layer;
use tower_rotating_auth::{
    outbound::adapter::HttpAdapter,
    outbound::replay::{BufferBody, MapBody, ReplayBody},
    outbound::{InjectKey, InjectKeyLayer, RotatingCredential},
};

use crate::harness::{Failed, Rotation, Tally, Upstream, grpc_answer, under_load};

/// The channel for a generated client: `GreeterClient::new(keyed_channel(…)?)`.
pub(super) type KeyedChannel =
    InjectKey<Channel, HttpAdapter<MapBody<fn(ReplayBody<Body>) -> Body>>>;

pub(super) fn keyed_channel(url: &str, key: RotatingCredential) -> Result<KeyedChannel, Failed> {
    let channel = Endpoint::from_shared(url.to_owned())?.connect_lazy();
    let messages = BufferBody::new(1 << 20).map(Body::new as fn(ReplayBody<Body>) -> Body);
    let inject = InjectKeyLayer::new(url, key)?.assume_origin(url)?;
    Ok(inject.replay(messages).layer(channel))
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let echo = post(|message: Bytes| async { grpc_answer(message) });
    let url = upstream.serve(Router::new().route(SAY, echo)).await?;
    let channel = keyed_channel(&url, upstream.key().await?)?;

    under_load(&upstream, move || say(channel.clone())).await
}

/// The path of the method that the trial calls.
pub(super) const SAY: &str = "/hosts.Echo/Say";

/// Calls an echo method as a generated client does.
pub(super) async fn say(channel: KeyedChannel) -> Result<(), Failed> {
    let mut client = Grpc::new(channel);
    client.ready().await?;
    let (path, codec) = (PathAndQuery::from_static(SAY), ProstCodec::default());
    let answer = client.unary(Request::new("hello".to_owned()), path, codec);
    let answer: Result<tonic::Response<String>, Status> = answer.await;
    match answer?.into_inner().as_str() {
        "hello" => Ok(()),
        other => Err(other.to_owned().into()),
    }
}

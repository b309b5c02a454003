//! A tonic client and a tonic server, over a socket.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::client::{self, GrpcService};
use tonic::server::{Grpc, NamedService};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tower::{BoxError, Layer, Service, service_fn};
use tower_rotating_auth::{
    Rotating, Secret,
    outbound::replay::BufferBody,
    outbound::{Credential, InjectKeyLayer, Outcome},
};

use super::World;
use crate::support::Text;

/// Echoes messages to whoever has the key that the world takes.
#[derive(Clone)]
struct Echo(World);

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path() == "/test.Echo/Late" {
            let late = service_fn(|_: tonic::Request<String>| {
                let answers = [Ok("hi".to_owned()), Err(Status::unauthenticated("late"))];
                let answers = tokio_stream::iter(answers);
                ready(Ok::<_, Status>(tonic::Response::new(answers)))
            });
            let answer = async move { Ok(Grpc::new(Text).server_streaming(late, request).await) };
            return Box::pin(answer);
        }
        let world = self.0.clone();
        let echo = service_fn(move |call: tonic::Request<String>| {
            let sent = call.metadata().get("authorization");
            ready(if world.takes(sent.map(|value| value.to_str().unwrap())) {
                Ok(tonic::Response::new(call.into_inner()))
            } else {
                Err(Status::unauthenticated("the upstream's own words"))
            })
        });
        Box::pin(async { Ok(Grpc::new(Text).unary(echo, request).await) })
    }
}

/// The URL of a server that takes the world's key, and a connection to it.
async fn connect(world: &World) -> (String, Channel) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder()
        .add_service(Echo(world.clone()))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);
    let endpoint = Endpoint::from_shared(url.clone()).unwrap();
    (url, endpoint.connect().await.unwrap())
}

/// A call as the client that tonic generates makes it: to a path and no more.
async fn say<S>(client: S, message: &str) -> Result<tonic::Response<String>, Status>
where
    S: GrpcService<Body, Error: Into<BoxError>>,
    S::ResponseBody: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let mut client = client::Grpc::new(client);
    client
        .ready()
        .await
        .map_err(|error| Status::from_error(error.into()))?;
    let path = PathAndQuery::from_static("/test.Echo/Say");
    client
        .unary(tonic::Request::new(message.into()), path, Text)
        .await
}

#[tokio::test]
async fn a_generated_client_is_keyed_once_it_is_told_where_its_paths_go() {
    let world = World::new("key");
    let (url, channel) = connect(&world).await;
    let inject = InjectKeyLayer::new(&url, world.key().await).unwrap();
    let inject = inject.replay(BufferBody::new(1024).map(Body::new));

    let not_told = say(inject.clone().layer(channel.clone()), "hi").await;
    let not_told = not_told.unwrap_err();
    assert_eq!(not_told.code(), Code::Unauthenticated);
    assert_eq!(not_told.message(), "the upstream's own words");
    let elsewhere = inject
        .clone()
        .assume_origin("https://elsewhere.test")
        .unwrap();
    let elsewhere = say(elsewhere.layer(channel.clone()), "hi").await;
    assert_eq!(elsewhere.unwrap_err().code(), Code::Unauthenticated);

    let told = inject.assume_origin(&url).unwrap().layer(channel);
    assert_eq!(say(told, "hi").await.unwrap().into_inner(), "hi");
}

#[tokio::test]
async fn a_status_of_unauthenticated_is_a_rejection_and_the_call_is_made_again() {
    let world = World::new("old");
    let (url, channel) = connect(&world).await;
    let inject = InjectKeyLayer::new(&url, world.key().await).unwrap();
    let inject = inject.assume_origin(&url).unwrap();
    let client = inject
        .replay(BufferBody::new(1024).map(Body::new))
        .layer(channel);
    say(client.clone(), "hi").await.unwrap();

    world.rotate("new");
    let response = say(client, "hi").await.unwrap();
    assert!(matches!(
        response.extensions().get(),
        Some(Outcome::Replayed { .. })
    ));
    assert_eq!(response.into_inner(), "hi");
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn a_status_that_follows_an_answer_is_the_callers() {
    let world = World::new("key");
    let (url, channel) = connect(&world).await;
    let inject = InjectKeyLayer::new(&url, world.key().await).unwrap();
    let inject = inject.assume_origin(&url).unwrap();
    let mut client = client::Grpc::new(
        inject
            .replay(BufferBody::new(1024).map(Body::new))
            .layer(channel),
    );
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.Echo/Late");
    let call = tonic::Request::new(tokio_stream::once("hi".to_owned()));
    let response = client.streaming(call, path, Text).await.unwrap();
    assert!(response.extensions().get::<Outcome>().is_none());
    let mut answers = response.into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap(), "hi");
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn an_interceptor_puts_the_current_key_on_where_no_layer_fits() {
    let world = World::new("old");
    let (_, channel) = connect(&world).await;
    let bearer = |key: &str| Credential::bearer(&Secret::from(key)).unwrap();
    let (key, mut publisher) = Rotating::manual(bearer("old"));
    let client = InterceptedService::new(channel, move |mut call: tonic::Request<()>| {
        key.current().apply_to(call.metadata_mut().as_mut());
        Ok(call)
    });
    say(client.clone(), "hi").await.unwrap();
    world.rotate("new");
    let rejected = say(client.clone(), "hi").await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unauthenticated);
    publisher.publish(bearer("new"));
    say(client, "hi").await.unwrap();
}

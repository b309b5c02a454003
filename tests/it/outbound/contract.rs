//! Tower's contract: only ready instances are called, clones are not ready, futures are `Send`.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
};
use tower_test::mock;

use super::{ORIGIN, World, post};
use crate::support::{Probe, pass};

#[tokio::test(start_paused = true)]
async fn only_ready_instances_are_called() {
    let world = World::new("key-0");
    let mut client = world.inject().await.layer(Probe::new(world.upstream()));
    for n in 1..=3 {
        pass(Duration::from_secs(10)).await;
        world.rotate(&format!("key-{n}"));
        let response = client
            .ready()
            .await
            .unwrap()
            .call(post("body"))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let response = client.clone().oneshot(post("body")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(world.seen().len(), 9);
}

#[tokio::test]
async fn mock_is_called_for_each_attempt() {
    let bearer = |key: &str| Credential::bearer(&Secret::from(key)).unwrap();
    let (key, mut publisher) = RotatingCredential::manual(bearer("old"));
    let inject = InjectKeyLayer::new(ORIGIN, key).unwrap();
    let (mut client, mut handle) =
        mock::spawn_layer::<Request<String>, Response<String>, _>(inject);
    handle.allow(1);
    assert_ready_ok!(client.poll_ready());
    let mut answer = task::spawn(client.call(post("body")));
    assert_pending!(answer.poll());

    let (request, reply) = handle.next_request().await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer old");
    publisher.publish(bearer("new"));
    let mut rejection = Response::new(String::new());
    *rejection.status_mut() = StatusCode::UNAUTHORIZED;
    reply.send_response(rejection);
    assert_pending!(answer.poll(), "the mock allows no second call yet");

    handle.allow(1);
    assert_pending!(answer.poll());
    let (request, reply) = handle.next_request().await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer new");
    reply.send_response(Response::new("done".into()));
    assert_eq!(answer.await.unwrap().body(), "done");
}

#[tokio::test]
async fn hyper_client_service_is_sync_and_future_send() {
    fn check<S, B>(service: S) -> S
    where
        S: Service<Request<B>, Future: Send> + Clone + Send + Sync + 'static,
    {
        service
    }
    let (key, _publisher) =
        RotatingCredential::manual(Credential::bearer(&Secret::from("key")).unwrap());
    let inject = InjectKeyLayer::new("http://127.0.0.1:9", key).unwrap();
    let hyper = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let client = check::<_, Full<Bytes>>(inject.clone().layer(hyper.clone()));
    drop(check::<_, Full<Bytes>>(
        inject.without_replay().layer(hyper),
    ));

    let request = Request::get("http://127.0.0.1:9/")
        .body(Full::default())
        .unwrap();
    let error: hyper_util::client::legacy::Error = client.oneshot(request).await.unwrap_err();
    assert!(error.is_connect());
}

//! Tower's contract: only ready instances are called, clones are not ready, futures are `Send`.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::body_rejection::RejectByBodyLayer,
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

/// A service whose response futures never complain about a poll too many.
fn tireless<B>()
-> impl Service<Request<B>, Response = Response<String>, Error = Infallible, Future: Send> + Clone {
    service_fn(|_| poll_fn(|_| Poll::Ready(Ok(Response::new(String::new())))))
}

/// Completes the future, polls it once more, and returns the message of its panic.
fn panic_after_completion<F: Future>(future: F) -> &'static str {
    let mut future = task::spawn(future);
    drop(assert_ready!(future.poll()));
    let again = catch_unwind(AssertUnwindSafe(|| drop(future.poll())));
    again.unwrap_err().downcast_ref::<&str>().unwrap()
}

#[test]
fn response_futures_panic_after_completion() {
    let key = Credential::bearer(&Secret::from("key")).unwrap();
    let (key, _publisher) = RotatingCredential::manual(key);
    let mut inject = InjectKeyLayer::new(ORIGIN, key).unwrap().layer(tireless());
    let mut reject_by_body = RejectByBodyLayer::gemini().layer(tireless());
    let mut messages = vec![
        panic_after_completion(inject.call(post("body"))),
        panic_after_completion(inject.call(Request::new(String::new()))), // without a key
        panic_after_completion(reject_by_body.call(post("body"))),
    ];
    #[cfg(feature = "connect")]
    for max_bytes in [0, 1024] {
        use tower_rotating_auth::outbound::connect::ExpectContinueLayer;

        let mut expect = ExpectContinueLayer::new(max_bytes).layer(tireless());
        messages.push(panic_after_completion(expect.call(post("body"))));
    }
    for message in messages {
        assert_eq!(message, "response future polled after completion");
    }
}

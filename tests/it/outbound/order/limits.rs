//! `RateLimit`, `ConcurrencyLimit`, `Buffer`.

use http::{Request, Response, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_rotating_auth::outbound::InjectKeyLayer;

use super::super::{ORIGIN, World, get, post};
use super::{ELSEWHERE, sent, status};
use crate::support::{minutes, moment, secs};

/// Returns a layer whose key has been rotated, and whose fetch takes two seconds.
async fn rotated() -> (World, InjectKeyLayer) {
    let world = World::new("old");
    let inject = InjectKeyLayer::new(ORIGIN, world.key_with(secs(2)).await).unwrap();
    world.rotate("new");
    (world, inject)
}

/// Starts a request that is rejected and waits for the refresh.
async fn waiting<S>(world: &World, client: &S) -> JoinHandle<StatusCode>
where
    S: Service<
            Request<String>,
            Response = Response<String>,
            Error: std::fmt::Debug + Send,
            Future: Send,
        > + Clone
        + Send
        + 'static,
{
    let request = client.clone().oneshot(post("body"));
    let waiting = tokio::spawn(async { request.await.unwrap().status() });
    moment().await;
    assert_eq!(sent(world), ["old"]);
    waiting
}

#[tokio::test(start_paused = true)]
async fn outer_rate_limit_counts_replay_once() {
    let (world, inject) = rotated().await;
    let mut client = ServiceBuilder::new()
        .rate_limit(2, minutes(60))
        .layer(inject)
        .service(world.upstream());
    for _ in 0..2 {
        assert_eq!(status(&mut client, post("body")).await, StatusCode::OK);
    }
    assert_eq!(sent(&world), ["old", "new", "new"]);
    let third = timeout(minutes(30), client.ready()).await;
    assert!(third.is_err(), "two were counted");
}

#[tokio::test(start_paused = true)]
async fn inner_rate_limit_counts_each_attempt() {
    let (world, inject) = rotated().await;
    let mut client = ServiceBuilder::new()
        .layer(inject)
        .buffer(8)
        .rate_limit(2, minutes(1))
        .service(world.upstream());
    assert_eq!(status(&mut client, post("body")).await, StatusCode::OK);
    let began = Instant::now();
    assert_eq!(status(&mut client, post("body")).await, StatusCode::OK);
    assert!(began.elapsed() > secs(50), "the third attempt waits");
    assert_eq!(sent(&world), ["old", "new", "new"]);
}

#[tokio::test(start_paused = true)]
async fn outer_concurrency_limit_spans_both_attempts() {
    let (world, inject) = rotated().await;
    let client = ServiceBuilder::new()
        .concurrency_limit(1)
        .layer(inject)
        .service(world.upstream());
    let first = waiting(&world, &client).await;
    let began = Instant::now();
    client.oneshot(get(ELSEWHERE)).await.unwrap();
    assert!(began.elapsed() >= secs(1), "{:?}", began.elapsed());
    assert_eq!(first.await.unwrap(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn inner_concurrency_limit_needs_one_permit() {
    let (world, inject) = rotated().await;
    let client = ServiceBuilder::new()
        .layer(inject)
        .concurrency_limit(1)
        .service(world.upstream());
    let first = waiting(&world, &client).await;
    let began = Instant::now();
    client.clone().oneshot(get(ELSEWHERE)).await.unwrap();
    assert_eq!(began.elapsed(), secs(0), "nobody waits for the refresh");

    let more: Vec<_> = (0..4)
        .map(|_| tokio::spawn(client.clone().oneshot(post("body"))))
        .collect();
    assert_eq!(first.await.unwrap(), StatusCode::OK);
    for request in more {
        assert_eq!(request.await.unwrap().unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn outer_buffer_is_not_blocked_by_refresh() {
    let (world, inject) = rotated().await;
    let client = ServiceBuilder::new()
        .buffer(1)
        .layer(inject)
        .service(world.upstream());
    let first = waiting(&world, &client).await;
    let began = Instant::now();
    let response: Result<_, BoxError> = client.oneshot(get(ELSEWHERE)).await;
    response.unwrap();
    assert_eq!(began.elapsed(), secs(0));
    assert_eq!(first.await.unwrap(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn inner_buffer_sees_each_attempt() {
    let (world, inject) = rotated().await;
    let client = ServiceBuilder::new()
        .layer(inject)
        .buffer(1)
        .concurrency_limit(1)
        .service(world.upstream());
    let requests: Vec<_> = (0..4)
        .map(|_| tokio::spawn(client.clone().oneshot(post("body"))))
        .collect();
    for request in requests {
        let response: Result<_, BoxError> = request.await.unwrap();
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(world.seen().len(), 8);
}

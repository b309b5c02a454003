//! `tower::retry` and `Timeout`.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Request, Response, StatusCode};
use tokio::time::{Instant, sleep};
use tower::retry::Policy;
use tower::timeout::error::Elapsed;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
};

use super::super::{ORIGIN, World, post};
use super::sent;
use crate::support::{millis, moment, secs};

/// A policy that retries server errors, up to twice.
#[derive(Clone)]
struct Again(u32);

impl Policy<Request<String>, Response<String>, Infallible> for Again {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<String>,
        answer: &mut Result<Response<String>, Infallible>,
    ) -> Option<Ready<()>> {
        let failed = answer
            .as_ref()
            .is_ok_and(|response| response.status().is_server_error());
        self.0 = self.0.checked_sub(u32::from(failed))?;
        failed.then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<String>) -> Option<Request<String>> {
        Some(request.clone())
    }
}

/// An upstream that first answers 503. By then the key has been rotated on both sides.
fn fails_once(
    world: &World,
    replace: impl Fn() + Send + Sync + 'static,
) -> impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send> + Clone
{
    let (world, failed) = (world.clone(), Arc::new(AtomicBool::new(false)));
    let replace = Arc::new(replace);
    service_fn(move |request| {
        let (world, failed) = (world.clone(), Arc::clone(&failed));
        let replace = Arc::clone(&replace);
        async move {
            let mut answer = world.upstream().oneshot(request).await?;
            if !failed.swap(true, Ordering::Relaxed) {
                *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                replace();
            }
            Ok(answer)
        }
    })
}

/// Returns the world, a manually published key, and its publisher.
fn manual(first: &str) -> (World, RotatingCredential, impl Fn() + Send + Sync + use<>) {
    let world = World::new(first);
    let bearer = |key: &str| Credential::bearer(&Secret::from(key)).unwrap();
    let (key, publisher) = RotatingCredential::manual(bearer(first));
    let publisher = std::sync::Mutex::new(publisher);
    let upstream = world.clone();
    let replace = move || {
        upstream.accept("new");
        publisher.lock().unwrap().publish(bearer("new"));
    };
    (world, key, replace)
}

#[tokio::test(start_paused = true)]
async fn outer_retry_loads_the_key_each_time() {
    let (world, key, replace) = manual("old");
    let client = ServiceBuilder::new()
        .retry(Again(2))
        .layer(InjectKeyLayer::new(ORIGIN, key).unwrap())
        .service(fails_once(&world, replace));
    let response = client.oneshot(post("body")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(sent(&world), ["old", "new"]);
}

#[tokio::test(start_paused = true)]
async fn outer_retry_can_replay_each_try() {
    let world = World::new("old");
    let inject = world.inject().await;
    let upstream = world.clone();
    let client = ServiceBuilder::new()
        .retry(Again(2))
        .layer(inject)
        .service(fails_once(&world, move || upstream.rotate("new")));
    let response = client.oneshot(post("body")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(sent(&world), ["old", "old", "new"], "two tries");
}

#[tokio::test(start_paused = true)]
async fn inner_retry_reuses_the_first_key() {
    let (world, key, replace) = manual("old");
    let client = ServiceBuilder::new()
        .layer(InjectKeyLayer::new(ORIGIN, key).unwrap())
        .retry(Again(2))
        .service(fails_once(&world, replace));
    let response = client.oneshot(post("body")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    // The second try is rejected, because its key had been rotated away.
    assert_eq!(sent(&world), ["old", "old", "new"]);
}

#[tokio::test(start_paused = true)]
async fn outer_timeout_spans_attempts_and_refresh() {
    let world = World::new("old");
    let inject = InjectKeyLayer::new(ORIGIN, world.key_with(secs(2)).await).unwrap();
    let client = ServiceBuilder::new()
        .timeout(secs(1))
        .layer(inject)
        .service(world.upstream());
    world.rotate("new");
    let answer: Result<_, BoxError> = client.clone().oneshot(post("late")).await;
    assert!(answer.unwrap_err().is::<Elapsed>());

    sleep(secs(2)).await;
    let response = client.oneshot(post("body")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(sent(&world), ["old", "new"]);
}

#[tokio::test(start_paused = true)]
async fn inner_timeout_spans_one_attempt() {
    let world = World::new("old");
    let inject = InjectKeyLayer::new(ORIGIN, world.key_with(secs(2)).await).unwrap();
    let upstream = world.upstream();
    let slow = service_fn(move |request: Request<String>| {
        let answer = upstream.clone().oneshot(request);
        async move {
            sleep(millis(800)).await;
            answer.await
        }
    });
    let client = ServiceBuilder::new()
        .layer(inject)
        .timeout(secs(1))
        .service(slow);
    world.rotate("new");
    let began = Instant::now();
    let answer: Result<_, BoxError> = client.oneshot(post("body")).await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    assert!(began.elapsed() >= secs(3), "{:?}", began.elapsed());
    moment().await;
    assert_eq!(sent(&world), ["old", "new"]);
}

//! Requests that wait for a refresh instead of being sent with a dead key.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, InjectKey, InjectKeyLayer, Outcome, RotatingCredential},
};

use super::{ORIGIN, URL, Upstream, World, get, post};
use crate::support::{millis, moment, pass, secs};

/// Rotates the proven key away and starts a request, which is rejected and waits two seconds for a
/// fetch.
async fn refreshing<S, X>(world: &World, client: &InjectKey<S, X>) -> JoinHandle<Response<String>>
where
    InjectKey<S, X>: Service<
            Request<String>,
            Response = Response<String>,
            Error: std::fmt::Debug + Send,
            Future: Send,
        > + Clone
        + Send
        + 'static,
{
    let response = ServiceExt::oneshot(client.clone(), post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    pass(secs(1)).await;
    world.rotate("new");
    let first = ServiceExt::oneshot(client.clone(), post("first"));
    let first = tokio::spawn(async { first.await.unwrap() });
    moment().await;
    assert_eq!(sent(world), ["old", "old"]);
    first
}

async fn inject(world: &World) -> InjectKeyLayer {
    let key = world.key_with(secs(2)).await;
    InjectKeyLayer::new(ORIGIN, key).unwrap().hold_on_reject()
}

fn sent(world: &World) -> Vec<String> {
    let seen = world.seen();
    seen.iter().map(|seen| seen.key().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn held_requests_never_send_the_dead_key() {
    for hold in [true, false] {
        let world = World::new("old");
        let key = world.key_with(secs(2)).await;
        let inject = InjectKeyLayer::new(ORIGIN, key).unwrap();
        let inject = if hold {
            inject.hold_on_reject()
        } else {
            inject
        };
        let client = inject.layer(world.upstream());
        let first = refreshing(&world, &client).await;

        let mut requests = Vec::new();
        for number in 0..100 {
            let request = client.clone().oneshot(post(&number.to_string()));
            requests.push(tokio::spawn(request));
            pass(millis(19)).await;
        }
        assert_eq!(first.await.unwrap().status(), StatusCode::OK);
        for (number, request) in requests.into_iter().enumerate() {
            let response = request.await.unwrap().unwrap();
            assert_eq!(*response.body(), number.to_string());
            let replayed = response.extensions().get::<Outcome>().is_some();
            assert_eq!(replayed, !hold);
        }
        let dead = sent(&world).iter().filter(|key| *key == "old").count();
        assert_eq!(dead, if hold { 2 } else { 102 });
        assert_eq!(world.seen().len(), if hold { 103 } else { 203 });
        assert_eq!(world.fetches(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn held_request_needs_no_second_body() {
    let world = World::new("old");
    let client = inject(&world)
        .await
        .replay(|body: &String| (body == "first").then(|| body.clone()));
    let client = client.layer(world.upstream());
    let first = refreshing(&world, &client).await;
    let response = client.oneshot(post("stream")).await.unwrap();
    assert_eq!(response.body(), "stream");
    first.await.unwrap();
    assert_eq!(sent(&world)[2..], ["new", "new"]);
}

#[tokio::test(start_paused = true)]
async fn hold_ends_after_force_wait() {
    let world = World::new("old");
    let builder = RotatingCredential::builder().force_wait(secs(3));
    let key = world.key_by(builder, secs(10)).await;
    let client = InjectKeyLayer::new(ORIGIN, key).unwrap().hold_on_reject();
    let client = client.layer(world.upstream());
    let first = refreshing(&world, &client).await;

    pass(secs(1)).await;
    let asked = Instant::now();
    let response = client.clone().oneshot(post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(asked.elapsed() <= secs(2), "{:?}", asked.elapsed());
    assert_eq!(first.await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sent(&world), ["old", "old", "old"]);

    // During the cooldown, no request waits. Once the source delivers a key, all are accepted.
    let asked = Instant::now();
    let response = client.clone().oneshot(post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(asked.elapsed(), secs(0));
    pass(secs(10)).await;
    let response = client.oneshot(post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn unproven_key_holds_no_request() {
    let world = World::new("old");
    world.accept("new");
    let client = inject(&world).await.layer(world.upstream());
    for count in 1..=3 {
        tokio::spawn(client.clone().oneshot(post("")));
        moment().await;
        assert_eq!(world.seen().len(), count);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_without_our_key_are_not_held() {
    let world = World::new("old");
    let client = inject(&world).await.layer(world.upstream());
    let first = refreshing(&world, &client).await;
    let asked = Instant::now();
    let elsewhere = get("https://elsewhere.example.com/");
    client.clone().oneshot(elsewhere).await.unwrap();
    let mut own = get(URL);
    own.headers_mut()
        .insert("authorization", "Bearer new".parse().unwrap());
    client.oneshot(own).await.unwrap();
    assert_eq!(asked.elapsed(), secs(0));
    first.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn held_request_reserves_no_inner_capacity() {
    let world = World::new("old");
    let client = ServiceBuilder::new()
        .layer(inject(&world).await)
        .concurrency_limit(1)
        .service(world.upstream());
    let first = refreshing(&world, &client).await;
    let held: Vec<_> = (0..5)
        .map(|_| tokio::spawn(client.clone().oneshot(post("held"))))
        .collect();
    moment().await;

    // Held requests that kept a ready instance would hold the only permit.
    let mut busy = client.clone();
    let asked = Instant::now();
    let elsewhere = get("https://elsewhere.example.com/");
    busy.ready().await.unwrap().call(elsewhere).await.unwrap();
    assert_eq!(asked.elapsed(), secs(0));

    assert_eq!(first.await.unwrap().status(), StatusCode::OK);
    for held in held {
        assert_eq!(held.await.unwrap().unwrap().body(), "held");
    }
    // The instance that held the request can be used again.
    for _ in 0..2 {
        let response = busy.ready().await.unwrap().call(post("")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_held_request_affects_no_other() {
    let world = World::new("old");
    let client = inject(&world).await.layer(world.upstream());
    let first = refreshing(&world, &client).await;
    let [lost, kept] =
        ["lost", "kept"].map(|body| tokio::spawn(client.clone().oneshot(post(body))));
    moment().await;
    lost.abort();
    assert_eq!(kept.await.unwrap().unwrap().body(), "kept");
    first.await.unwrap();
    assert!(world.seen().iter().all(|seen| seen.body != "lost"));
}

/// A service that can be broken.
#[derive(Clone)]
struct Breaks {
    inner: Upstream,
    broken: tokio::sync::watch::Receiver<bool>,
}

impl Service<Request<String>> for Breaks {
    type Response = Response<String>;
    type Error = &'static str;
    type Future = Ready<Result<Response<String>, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if *self.broken.borrow() {
            return Poll::Ready(Err("broken"));
        }
        let ready: Poll<Result<(), Infallible>> = self.inner.poll_ready(cx);
        ready.map_err(|never| match never {})
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let answer = self.inner.call(request).into_inner();
        ready(answer.map_err(|never| match never {}))
    }
}

#[tokio::test(start_paused = true)]
async fn inner_error_while_held_is_passed_on() {
    let world = World::new("old");
    let (breaks, broken) = tokio::sync::watch::channel(false);
    let client = inject(&world).await.layer(Breaks {
        inner: world.upstream(),
        broken,
    });
    let first = refreshing(&world, &client).await;
    let held = tokio::spawn(client.oneshot(post("held")));
    moment().await;
    breaks.send(true).unwrap();
    assert_eq!(held.await.unwrap().unwrap_err(), "broken");
    assert!(first.await.is_err(), "its second attempt finds it broken");
    assert_eq!(world.seen().len(), 2);
}

#[tokio::test]
async fn manually_published_key_holds_no_request() {
    let world = World::new("old");
    let key = Credential::bearer(&Secret::from("old")).unwrap();
    let (key, _publisher) = RotatingCredential::manual(key);
    let client = InjectKeyLayer::new(ORIGIN, key).unwrap().hold_on_reject();
    let mut client = client.layer(world.upstream());
    for (count, accepted) in [(1, "old"), (2, "new"), (3, "new")] {
        world.accept(accepted);
        let answer = client.ready().await.unwrap().call(post(""));
        assert_eq!(world.seen().len(), count, "by the instance that is ready");
        let status = answer.await.unwrap().status();
        assert_eq!(status == StatusCode::OK, accepted == "old");
    }
}

#[tokio::test(start_paused = true)]
async fn stopped_refresh_task_holds_no_request() {
    let world = World::new("old");
    let source = world.clone();
    let source = tower_rotating_auth::source::source_fn(move || {
        let key = source.with(|state| state.stored.clone());
        async move {
            key.map(Secret::from)
                .map_err(tower_rotating_auth::source::SourceError::transient)
        }
    });
    let source = tower_rotating_auth::outbound::IntoCredential::bearer(source);
    let (key, driver) = RotatingCredential::pair(source).await.unwrap();
    let driver = tokio::spawn(driver);
    let client = InjectKeyLayer::new(ORIGIN, key).unwrap().hold_on_reject();
    let client = client.layer(world.upstream());
    let response = client.clone().oneshot(post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    driver.abort();
    moment().await;
    world.accept("new");
    for _ in 0..2 {
        let asked = Instant::now();
        let response = client.clone().oneshot(post("")).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }
}

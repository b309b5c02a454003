use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::{HeaderName, StatusCode};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_rotating_auth::{
    RotatingAuthLayer, Secret,
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
    source::{Expiry, Fetch, Fetched, Source, SourceError},
};

use super::{ORIGIN, URL, World, get};
use crate::support::Wall;

#[tokio::test(start_paused = true)]
async fn request_carries_current_sensitive_key() {
    let world = World::new("first");
    let key = world.key().await;
    let client = ServiceBuilder::new()
        .layer(RotatingAuthLayer::new().inject(InjectKeyLayer::new(ORIGIN, key.clone()).unwrap()))
        .service(world.upstream());
    client.clone().oneshot(get(URL)).await.unwrap();
    world.rotate("second");
    key.refresh().await.unwrap();
    client.oneshot(get(URL)).await.unwrap();

    let seen = world.seen();
    let sent: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("authorization"))
        .collect();
    assert_eq!(sent, [Some("Bearer first"), Some("Bearer second")]);
    assert!(
        seen.iter()
            .all(|seen| seen.headers["authorization"].is_sensitive())
    );
}

#[tokio::test]
async fn custom_header_carries_bare_key() {
    let world = World::new("unused");
    let name = HeaderName::from_static("x-api-key");
    let credential = Credential::header(name, &Secret::from("k-1")).unwrap();
    let (key, _publisher) = RotatingCredential::manual(credential);
    let client = InjectKeyLayer::new(ORIGIN, key)
        .unwrap()
        .layer(world.upstream());
    client.oneshot(get(URL)).await.unwrap();
    assert_eq!(world.seen()[0].header("x-api-key"), Some("k-1"));
    assert_eq!(world.seen()[0].header("authorization"), None);
}

#[tokio::test(start_paused = true)]
async fn existing_header_is_kept_and_not_replayed() {
    let world = World::new("ours");
    let client = world.inject().await.layer(world.upstream());
    let mut request = get(URL);
    let theirs = "Bearer theirs".parse().unwrap();
    request.headers_mut().insert("authorization", theirs);

    let response = client.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().is_empty());
    assert_eq!(
        world.seen()[0].header("authorization"),
        Some("Bearer theirs")
    );
    assert_eq!((world.seen().len(), world.fetches()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn override_replaces_every_existing_header() {
    let world = World::new("old");
    let client = world
        .inject()
        .await
        .override_existing()
        .layer(world.upstream());
    world.rotate("new");
    let mut request = get(URL);
    for dummy in ["Bearer dummy", "Bearer another"] {
        request
            .headers_mut()
            .append("authorization", dummy.parse().unwrap());
    }
    let response = client.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    for (seen, key) in world.seen().iter().zip(["Bearer old", "Bearer new"]) {
        let sent: Vec<_> = seen.headers.get_all("authorization").iter().collect();
        assert_eq!(sent, [key]);
    }
}

#[tokio::test(start_paused = true)]
async fn without_replay_inner_needs_no_clone() {
    let world = World::new("old");
    let upstream = world.upstream();
    let called = AtomicBool::new(false); // makes the closure, and so the service, not `Clone`
    let not_clone = service_fn(move |request| {
        called.store(true, Ordering::Relaxed);
        upstream.clone().oneshot(request)
    });
    let client = world.inject().await.without_replay().layer(not_clone);
    world.rotate("new");
    let response = client.oneshot(get(URL)).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(world.seen()[0].header("authorization"), Some("Bearer old"));
    assert_eq!(world.seen().len(), 1);
}

/// A source that delivers one key with a lifetime of a minute, then fails.
struct OneMinute(Arc<AtomicBool>);

impl Source for OneMinute {
    type Value = Credential;

    async fn fetch(
        &mut self,
        _: Fetch<'_, Credential>,
    ) -> Result<Fetched<Credential>, SourceError> {
        if self.0.swap(true, Ordering::Relaxed) {
            return Err(SourceError::transient("down"));
        }
        let credential = Credential::bearer(&Secret::from("key"))?;
        Ok(Fetched::new(credential).expires(Expiry::In(Duration::from_secs(60))))
    }
}

#[tokio::test(start_paused = true)]
async fn omit_expired_leaves_expired_key_off() {
    let started = (tokio::time::Instant::now(), SystemTime::now());
    let key = RotatingCredential::builder()
        .wall_clock(move || started.1 + started.0.elapsed())
        .start(OneMinute(Arc::default()))
        .await
        .unwrap();
    let world = World::new("key");
    let inject = InjectKeyLayer::new(ORIGIN, key).unwrap();
    let sends = inject.clone().layer(world.upstream());
    let omits = inject.omit_expired().layer(world.upstream());

    omits.clone().oneshot(get(URL)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    sends.oneshot(get(URL)).await.unwrap();
    omits.oneshot(get(URL)).await.unwrap();
    let seen = world.seen();
    let sent: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("authorization"))
        .collect();
    assert_eq!(sent, [Some("Bearer key"), Some("Bearer key"), None]);
}

#[tokio::test(start_paused = true)]
async fn omit_expired_takes_the_overridden_header_off() {
    let started = (tokio::time::Instant::now(), SystemTime::now());
    let key = RotatingCredential::builder()
        .wall_clock(move || started.1 + started.0.elapsed())
        .start(OneMinute(Arc::default()))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    let world = World::new("key");
    let keeps = InjectKeyLayer::new(ORIGIN, key).unwrap().omit_expired();
    let overrides = keeps.clone().override_existing();
    for (inject, expected) in [(keeps, Some("Bearer theirs")), (overrides, None)] {
        let mut request = get(URL);
        let theirs = "Bearer theirs".parse().unwrap();
        request.headers_mut().insert("authorization", theirs);
        let once = inject.clone().without_replay().layer(world.upstream());
        once.oneshot(request.clone()).await.unwrap();
        inject
            .layer(world.upstream())
            .oneshot(request)
            .await
            .unwrap();
        for seen in &world.seen()[world.seen().len() - 2..] {
            assert_eq!(seen.header("authorization"), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn clock_set_back_does_not_revive_expired_key() {
    let wall = Wall::new();
    let key = RotatingCredential::builder()
        .wall_clock(wall.reader())
        .start(OneMinute(Arc::default()))
        .await
        .unwrap();
    let world = World::new("key");
    let inject = InjectKeyLayer::new(ORIGIN, key).unwrap();
    let omits = inject.omit_expired().layer(world.upstream());
    wall.jump(-3600);
    tokio::time::sleep(Duration::from_secs(61)).await;
    omits.oneshot(get(URL)).await.unwrap();
    assert_eq!(world.seen()[0].header("authorization"), None);
}

#[test]
fn credential_equality_ignores_surrounding_space() {
    let bearer = |key: &str| Credential::bearer(&Secret::from(key)).unwrap();
    assert_eq!(bearer("sk-1"), bearer(" sk-1\n"));
    assert_ne!(bearer("sk-1"), bearer("sk-2"));
    let name = HeaderName::from_static("x-api-key");
    assert_ne!(
        bearer("sk-1"),
        Credential::header(name, &Secret::from("sk-1")).unwrap()
    );
}

#[test]
fn each_thread_has_its_own_value() {
    let credential = Credential::bearer(&Secret::from("sk-1")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert_eq!(credential.value(), "Bearer sk-1"));
        }
    });
}

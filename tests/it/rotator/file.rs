//! Delivery to a file, with a file source on the other side.

use std::time::Duration;

use tokio::time::timeout;
use tower_rotating_auth::{
    Rotating,
    keyring::{FileSink, KeyRing, Rotator, Sink, StoreErrorKind},
    source::FileSource,
};

use super::world::{PERIOD, World, request};

#[tokio::test]
async fn file_source_follows_the_rotator() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.key");
    let world = World::new();
    let clock = world.clone();
    let ring = KeyRing::builder().wall_clock(move || clock.now());
    let ring = ring.start(world.store.clone()).await.unwrap();
    let mut rotator = Rotator::new(ring.clone(), request(), FileSink::new(&path)).period(PERIOD);
    rotator.catch_up().await.unwrap();
    #[cfg(all(unix, not(portable_only)))]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let key = Rotating::start(FileSource::new(&path)).await.unwrap();
    let first = key.current();
    assert!(world.is_valid(&ring, first.expose_secret()));
    let mut changes = key.subscribe();
    world.pass(PERIOD);
    rotator.catch_up().await.unwrap();
    let second = changes.changed().await.unwrap();
    assert_ne!(first.expose_secret(), second.expose_secret());
    assert!(world.is_valid(&ring, first.expose_secret()));
    assert!(world.is_valid(&ring, second.expose_secret()));
}

#[tokio::test]
async fn unwritable_file_error_contains_the_path() {
    let world = World::new();
    let ring = KeyRing::start(world.store.clone()).await.unwrap();
    let mut rotator = Rotator::new(ring.clone(), request(), FileSink::new("nowhere/at/all.key"));
    let error = rotator.catch_up().await.unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert!(text.contains("nowhere/at/all.key"), "{text}");
    assert!(ring.list().is_empty(), "a key for nobody");
}

#[tokio::test]
async fn dropped_delivery_completes_before_held() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new();
    let ring = KeyRing::start(world.store.clone()).await.unwrap();
    let mut sink = FileSink::new(folder.path().join("batch.key"));
    for _ in 0..20 {
        let key = ring.issue(request()).await.unwrap().into_new().unwrap();
        let _ = timeout(Duration::ZERO, sink.deliver(&key)).await;
        assert_eq!(sink.held().await.unwrap(), Some(key.digest()));
        ring.revoke(key.id()).await.unwrap();
    }
}

#[tokio::test]
async fn second_sink_is_locked_out_until_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.key");
    let world = World::new();
    let ring = KeyRing::start(world.store.clone()).await.unwrap();
    let mut active = Rotator::new(ring.clone(), request(), FileSink::new(&path));
    let mut idle = Rotator::new(ring.clone(), request(), FileSink::new(&path));
    active.catch_up().await.unwrap();
    let error = idle.catch_up().await.unwrap_err();
    let error = error.sink().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::InUse);
    assert!(error.to_string().contains("batch.key"), "{error}");
    assert_eq!(ring.list().len(), 1);

    drop(active);
    idle.catch_up().await.unwrap();
    assert_eq!(ring.list().len(), 1, "it goes on from there");
}

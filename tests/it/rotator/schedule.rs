//! When a key is replaced, and when the old one is retired.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tower_rotating_auth::{
    inbound::KeyDigest,
    keyring::{
        IssuancePolicy, KeyRing, MemoryStore, NewKey, RevokeRequest, Rotator, RotatorErrorKind,
        Sink, StoreError,
    },
};

use super::world::{DAY, HOUR, PERIOD, World, request};

#[tokio::test]
async fn old_key_retires_one_overlap_after_the_period() {
    let world = World::new();
    let (ring, mut rotator) = world.start().await;
    let due = rotator.catch_up().await.unwrap();
    assert_eq!(due, world.now() + PERIOD);
    let first = world.delivered().unwrap();

    world.pass(PERIOD - HOUR);
    assert_eq!(rotator.catch_up().await.unwrap(), due);
    assert_eq!(world.delivered().unwrap(), first);

    world.pass(HOUR);
    assert_eq!(rotator.catch_up().await.unwrap(), world.now() + DAY);
    let second = world.delivered().unwrap();
    assert_ne!(first, second);
    assert!(world.is_valid(&ring, &first) && world.is_valid(&ring, &second));

    world.pass(DAY);
    rotator.catch_up().await.unwrap();
    assert!(!world.is_valid(&ring, &first) && world.is_valid(&ring, &second));
}

#[tokio::test]
async fn old_key_retires_once_the_new_one_is_used() {
    let world = World::new();
    let (ring, rotator) = world.start().await;
    let seen = Arc::new(AtomicBool::new(false));
    let is_seen = Arc::clone(&seen);
    let mut rotator = rotator.ends_when_used(move |_| is_seen.load(Ordering::SeqCst));
    rotator.catch_up().await.unwrap();
    let first = world.delivered().unwrap();
    world.pass(PERIOD);
    rotator.catch_up().await.unwrap();
    assert!(world.is_valid(&ring, &first));
    seen.store(true, Ordering::SeqCst);
    rotator.catch_up().await.unwrap();
    assert!(!world.is_valid(&ring, &first));
}

#[tokio::test]
async fn failed_delivery_is_retried_with_the_same_key() {
    let world = World::new();
    let (ring, mut rotator) = world.start().await;
    rotator.catch_up().await.unwrap();
    let first = world.delivered().unwrap();
    world.pass(PERIOD);
    // The fuse burns on what the sink holds, on both sides of the commit, and on the delivery.
    for failing in [4, 1, 1, 1] {
        world.fuse.set(failing);
        rotator.catch_up().await.unwrap_err();
        assert_eq!(world.delivered().unwrap(), first);
        assert!(world.is_valid(&ring, &first));
        assert_eq!(ring.list().len(), 2);
        world.pass(HOUR);
    }
    world.fuse.set(0);
    rotator.catch_up().await.unwrap();
    assert_ne!(world.delivered().unwrap(), first);
    assert_eq!(ring.list().len(), 2);
}

#[tokio::test]
async fn revoked_key_is_replaced_at_once() {
    let world = World::new();
    let (ring, mut rotator) = world.start().await;
    rotator.catch_up().await.unwrap();
    let leaked = world.delivered().unwrap();
    let client = "batch".parse().unwrap();
    ring.revoke(RevokeRequest::Client(client)).await.unwrap();
    rotator.catch_up().await.unwrap();
    let found = world.delivered().unwrap();
    assert!(!world.is_valid(&ring, &leaked) && world.is_valid(&ring, &found));
}

#[tokio::test]
async fn key_revoked_elsewhere_is_replaced_at_once() {
    let world = World::new();
    let (ring, mut rotator) = world.start().await;
    rotator.catch_up().await.unwrap();
    let leaked = world.delivered().unwrap();
    let (elsewhere, _) = world.start().await;
    let client = "batch".parse().unwrap();
    elsewhere
        .revoke(RevokeRequest::Client(client))
        .await
        .unwrap();
    rotator.catch_up().await.unwrap();
    let found = world.delivered().unwrap();
    assert!(!world.is_valid(&ring, &leaked) && world.is_valid(&ring, &found));
}

#[tokio::test]
async fn removed_key_stays_valid_while_replaced() {
    let world = World::new();
    let (ring, mut rotator) = world.start().await;
    rotator.catch_up().await.unwrap();
    let first = world.take().unwrap();
    rotator.catch_up().await.unwrap();
    let second = world.delivered().unwrap();
    assert!(world.is_valid(&ring, &first) && world.is_valid(&ring, &second));
    world.pass(DAY);
    rotator.catch_up().await.unwrap();
    assert!(!world.is_valid(&ring, &first));
}

#[tokio::test]
async fn removed_successor_stays_valid_until_replaced() {
    let world = World::new();
    let (ring, mut rotator) = world.start().await;
    rotator.catch_up().await.unwrap();
    let first = world.delivered().unwrap();
    world.pass(PERIOD);
    rotator.catch_up().await.unwrap();
    let second = world.take().unwrap();
    rotator.catch_up().await.unwrap_err();
    assert!(world.is_valid(&ring, &first) && world.is_valid(&ring, &second));

    world.pass(DAY);
    // The fuse burns on what the sink holds, on both sides of the commit, and on the delivery.
    world.fuse.set(4);
    rotator.catch_up().await.unwrap_err();
    assert_eq!(world.delivered(), None);
    assert!(world.is_valid(&ring, &second));
    world.fuse.set(0);
    rotator.catch_up().await.unwrap();
    let third = world.delivered().unwrap();
    assert!(world.is_valid(&ring, &second) && world.is_valid(&ring, &third));
}

#[tokio::test]
async fn first_key_is_reissued_after_a_purge() {
    let world = World::new();
    let policy = IssuancePolicy::new()
        .lifetime(4 * DAY)
        .purge_after(Duration::ZERO);
    let (ring, mut rotator) = world.start_under(policy).await;
    let revoked = || RevokeRequest::Client("batch".parse().unwrap());
    rotator.catch_up().await.unwrap();
    world.pass(2 * DAY);
    ring.revoke(revoked()).await.unwrap();
    rotator.catch_up().await.unwrap();
    world.pass(2 * DAY);
    assert_eq!(ring.purge().await.unwrap().len(), 1);
    ring.revoke(revoked()).await.unwrap();
    rotator.catch_up().await.unwrap();
    assert!(world.is_valid(&ring, &world.delivered().unwrap()));
}

#[tokio::test]
async fn lifetime_below_the_overlap_leaves_no_gap() {
    let world = World::new();
    let policy = IssuancePolicy::new().lifetime(12 * HOUR);
    let (ring, mut rotator) = world.start_under(policy).await;
    rotator.catch_up().await.unwrap();
    for hour in 1..=3 * 24 {
        world.pass(HOUR);
        let found = world.delivered().unwrap();
        assert!(world.is_valid(&ring, &found), "in hour {hour}");
        rotator.catch_up().await.unwrap();
    }
    assert!(ring.list().len() <= 1 + 72 / 6, "{:?}", ring.list());
}

#[tokio::test]
async fn lifetime_of_the_terms_wins_over_the_policy() {
    let policy = || IssuancePolicy::new().lifetime(7 * DAY);
    for (request, lives) in [
        (request(), [Some(7 * DAY); 2]),
        (request().lifetime(20 * DAY), [Some(20 * DAY); 2]),
        (request().for_ever(), [None; 2]),
    ] {
        let world = World::new();
        let (ring, mut rotator) = world.start_with(policy(), request).await;
        rotator.catch_up().await.unwrap();
        world.pass(PERIOD);
        rotator.catch_up().await.unwrap();
        let state = ring.state();
        let made: Vec<_> = state.keys_of(&"batch".parse().unwrap()).collect();
        let life = |n: usize| {
            let (from, until) = (made[n].created_at().unwrap(), made[n].not_after()?);
            Some(until.duration_since(from).unwrap())
        };
        assert_eq!([life(0), life(1)], lives);
    }
}

#[tokio::test]
async fn not_after_applies_to_the_first_key_only() {
    let world = World::new();
    let request = request().not_after(world.now() + 6 * DAY);
    let (ring, mut rotator) = world.start_with(IssuancePolicy::new(), request).await;
    for _ in 0..3 {
        rotator.catch_up().await.unwrap();
        let found = world.delivered().unwrap();
        assert!(world.is_valid(&ring, &found));
        world.pass(PERIOD);
    }
}

#[tokio::test]
async fn key_after_revocation_is_like_a_successor() {
    let begin = World::new().now();
    let policy = || IssuancePolicy::new().lifetime(7 * DAY);
    for (policy, request, lives) in [
        (
            IssuancePolicy::new(),
            request().not_after(begin + 6 * DAY),
            6 * DAY,
        ),
        (policy(), request().not_after(begin + 6 * DAY), 7 * DAY),
        (policy(), request().not_before(begin + DAY), 7 * DAY),
        (policy(), request().lifetime(9 * DAY), 9 * DAY),
    ] {
        let world = World::new();
        let (ring, mut rotator) = world.start_with(policy, request).await;
        rotator.catch_up().await.unwrap();
        for pause in [HOUR, 20 * DAY] {
            world.pass(pause);
            let client = "batch".parse().unwrap();
            ring.revoke(RevokeRequest::Client(client)).await.unwrap();
            rotator.catch_up().await.unwrap();
            let digest = KeyDigest::of(&world.delivered().unwrap());
            let state = ring.state();
            let made = state.key_of(&digest).unwrap();
            assert_eq!(made.not_before(), None);
            assert_eq!(made.not_after(), Some(world.now() + lives));
        }
    }
}

#[tokio::test]
async fn rotation_undone_by_others_ends_unsettled() {
    let world = World::new();
    let (ring, _) = world.start().await;
    let mut rotator = Rotator::new(ring.clone(), request(), Undone(ring.clone(), None));
    let error = rotator.catch_up().await.unwrap_err();
    assert_eq!(error.kind(), RotatorErrorKind::Unsettled);
    assert!(ring.list().len() <= 64);
}

/// A sink whose key is revoked as soon as it is delivered.
struct Undone(KeyRing, Option<KeyDigest>);

impl Sink for Undone {
    async fn deliver(&mut self, key: &NewKey) -> Result<(), StoreError> {
        self.0.revoke(key.id()).await.unwrap();
        self.1 = Some(key.digest());
        Ok(())
    }

    async fn held(&mut self) -> Result<Option<KeyDigest>, StoreError> {
        Ok(self.1)
    }
}

/// A sink that threads cannot share.
struct Alone {
    held: Cell<Option<KeyDigest>>,
    delivered: Option<oneshot::Sender<()>>,
}

impl Sink for Alone {
    async fn deliver(&mut self, key: &NewKey) -> Result<(), StoreError> {
        self.held.set(Some(key.digest()));
        Ok(())
    }

    async fn held(&mut self) -> Result<Option<KeyDigest>, StoreError> {
        let held = self.held.get();
        if let Some(sender) = self.delivered.take_if(|_| held.is_some()) {
            sender.send(()).unwrap();
        }
        Ok(held)
    }
}

#[tokio::test]
async fn run_is_spawned_with_an_unshared_sink() {
    let ring = KeyRing::start(MemoryStore::default()).await.unwrap();
    let (sender, delivered) = oneshot::channel();
    let sink = Alone {
        held: Cell::new(None),
        delivered: Some(sender),
    };
    let rotator = Rotator::new(ring, request(), sink).ends_when_used(|_| false);
    let task = tokio::spawn(rotator.run());
    delivered.await.unwrap();
    task.abort();
}

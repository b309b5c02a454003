//! A client that owns its delivered file, and does with it what it likes.

use std::collections::HashSet;
use std::time::Duration;

use tower_rotating_auth::{
    inbound::KeyStatus,
    keyring::{IssuancePolicy, KeySummary, RotatorErrorKind},
};

use super::world::{DAY, HOUR, PERIOD, World};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn keys_for_a_client_that_puts_old_ones_back_are_few() {
    let world = World::new();
    let policy = IssuancePolicy::new().purge_after(DAY);
    let (ring, mut rotator) = world.start_under(policy).await;
    rotator.catch_up().await.unwrap();
    let first = world.delivered().unwrap();
    world.pass(PERIOD);
    let (mut made, mut most) = (HashSet::new(), 0);
    for _ in 0..60 * 24 {
        for _ in 0..60 {
            if let Err(error) = rotator.catch_up().await {
                assert_eq!(error.kind(), RotatorErrorKind::Unclear);
            }
            made.insert(world.delivered().unwrap());
            world.put_back(&first);
            world.pass(MINUTE);
        }
        most = most.max(ring.list().len());
    }
    // Eleven pauses lead up to a day, and each of sixty days allows for one. Those that have ended
    // are removed.
    assert!((40..=60 + 12).contains(&made.len()), "{} keys", made.len());
    assert!(most <= 40, "{most} keys at a time");
}

#[tokio::test]
async fn key_ends_although_its_client_stops_the_rotation() {
    let world = World::new();
    let (ring, mut rotator) = world.start().await;
    rotator.catch_up().await.unwrap();
    let first = world.delivered().unwrap();
    // From now on, nothing works any more.
    world.fuse.set(1);
    let longest_grace = 7 * DAY;
    let end = PERIOD + longest_grace;
    for _ in 0..end.as_secs() / DAY.as_secs() {
        assert!(world.is_valid(&ring, &first));
        let _ = rotator.catch_up().await;
        world.pass(DAY);
    }
    assert!(!world.is_valid(&ring, &first));
}

#[tokio::test]
async fn undelivered_key_is_removed_by_the_next_process() {
    let world = World::new();
    let (_, mut rotator) = world.start().await;
    rotator.catch_up().await.unwrap();
    world.pass(PERIOD);
    // The fuse burns on what the sink holds, on both sides of the commit, and on the delivery.
    world.fuse.set(4);
    rotator.catch_up().await.unwrap_err();
    world.fuse.set(0);
    let (ring, mut rotator) = world.start().await;
    assert_eq!(ring.list().len(), 2);
    rotator.catch_up().await.unwrap();
    let keys = ring.list();
    assert_eq!(keys.len(), 2, "{keys:?}");
    let is_revoked = |key: &KeySummary| key.status == KeyStatus::Revoked;
    assert!(!keys.iter().any(is_revoked), "{keys:?}");
    assert!(world.is_valid(&ring, &world.delivered().unwrap()));
}

#[tokio::test]
async fn second_loss_of_a_key_waits() {
    let world = World::new();
    let policy = IssuancePolicy::new().max_live_keys(10);
    let (ring, mut rotator) = world.start_under(policy).await;
    rotator.catch_up().await.unwrap();
    for made in [2, 3, 4] {
        assert!(world.take().is_some());
        rotator.catch_up().await.unwrap();
        assert_eq!(ring.list().len(), made);
        assert!(world.delivered().is_some());
        let content = world.take();
        let until = rotator.catch_up().await.unwrap();
        assert_eq!(world.delivered(), None);
        world.pass(until.duration_since(world.now()).unwrap());
        world.put_back(&content.unwrap());
    }
    world.pass(HOUR);
}

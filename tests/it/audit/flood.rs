//! Floods: bounded lines, exact counts, and nothing else hidden.

use tower::Layer;
use tower_rotating_auth::{
    Rotating,
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer},
    outbound::{InjectKeyLayer, RotatingCredential},
};

use super::super::outbound::{ORIGIN, World, post};
use super::{audit, status, sum, with};
use crate::support::{millis, pass, secs};

const REVOKED: &str = "revoked-8Zk1tQ0mVd7RyXw3LpHs5N";

#[tokio::test(start_paused = true)]
async fn flood_does_not_hide_one_revoked_key() {
    let (audit, lines) = audit();
    let record = KeyRecord::new(
        "k7".parse().unwrap(),
        "web".parse().unwrap(),
        "".parse().unwrap(),
    );
    let key = (KeyDigest::of(REVOKED.as_bytes()), record.into_revoked());
    let (keys, publisher) = Rotating::manual(KeySet::new([key]).unwrap());
    let layer = RequireKeyLayer::new(keys).observer(audit.observer());
    for n in 0..10_000 {
        let token = format!("unknown-{n:010}-8Zk1tQ0mVd7RyXw3LpHs5N");
        assert_eq!(status(&layer, with("/", &token, "1")).await, 401);
        if n % 1_000 == 0 {
            pass(millis(100)).await;
        }
        // When the flood has used up what it may log.
        if n == 7_500 {
            assert_eq!(status(&layer, with("/", REVOKED, "the-one")).await, 401);
        }
    }
    pass(secs(2)).await;
    drop((layer, publisher, audit));

    let lines = lines.json();
    assert!(lines.len() <= 40, "{}", lines.len());
    assert_eq!(sum(&lines, "refused", "unknown"), 10_000);
    let of_revoked: Vec<_> = lines
        .iter()
        .filter(|line| line["reason"] == "revoked")
        .collect();
    assert_eq!(of_revoked.len(), 1);
    assert_eq!(of_revoked[0]["client"], "web");
    assert_eq!(of_revoked[0]["key_id"], "k7");
    assert_eq!(of_revoked[0]["request_id"], "the-one");
}

#[tokio::test(start_paused = true)]
async fn flood_of_rejections_is_counted() {
    let (audit, lines) = audit();
    let world = World::new("first");
    let builder = RotatingCredential::builder().observer(audit.observer());
    let key = world.key_by(builder, millis(20)).await;
    world.accept("another");
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    for _ in 0..1_000 {
        let response = inject.layer(world.upstream()).oneshot(post("body")).await;
        assert_eq!(response.unwrap().status(), 401);
    }
    let dropped = key.status().events_dropped;
    drop((key, inject, audit));
    pass(secs(1)).await;

    let lines = lines.json();
    let counted = sum(&lines, "rejected", "no_newer_key");
    assert_eq!(counted + dropped, 1_000, "{lines:?}");
    // Twenty, and ten in each second that the test takes.
    assert!(lines.len() < 300, "{}", lines.len());
}

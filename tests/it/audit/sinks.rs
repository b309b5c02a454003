//! Subscribers that block, panic or are slow: no request notices.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    audit::{AuditAction, AuditLog},
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer},
};

use super::{status, with};

const VALID: &str = "valid-8Zk1tQ0mVd7RyXw3LpHs5N";

fn keys() -> KeySet {
    let record = KeyRecord::new(
        "k1".parse().unwrap(),
        "web".parse().unwrap(),
        "".parse().unwrap(),
    );
    KeySet::new([(KeyDigest::of(VALID.as_bytes()), record)]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn blocked_subscriber_holds_no_request_up() {
    let (release, seen, audit) = blocked();
    let (keys, _publisher) = Rotating::manual(keys());
    let layer = RequireKeyLayer::new(keys).observer(audit.observer());
    let began = Instant::now();
    for n in 0..1_000 {
        assert_eq!(status(&layer, with("/", VALID, "1")).await, 200);
        let unknown = format!("unknown-{n:010}-8Zk1tQ0mVd7RyXw3LpHs5N");
        assert_eq!(status(&layer, with("/", &unknown, "1")).await, 401);
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "no request has waited");
    drop((layer, release, audit));
    assert!(
        seen.into_iter()
            .any(|(action, _)| action == AuditAction::Used)
    );
}

#[test]
fn dropped_events_are_counted() {
    let (release, seen, audit) = blocked();
    let builder = Rotating::builder().observer(audit.observer());
    let (value, mut publisher) = builder.manual(0_u64);
    let total = 20_000;
    for n in 1..=total {
        publisher.publish(n);
        // The observer of the value keeps up with its publisher, if that lets it.
        std::thread::yield_now();
    }
    let before = value.status().events_dropped;
    drop((publisher, value));
    drop((release, audit));
    let seen: Vec<_> = seen.into_iter().collect();
    let rotated = seen
        .iter()
        .filter(|(action, _)| *action == AuditAction::Rotated);
    let rotated = u64::try_from(rotated.count()).unwrap();
    let dropped = seen
        .iter()
        .filter(|(action, _)| *action == AuditAction::Dropped);
    let dropped: u64 = dropped.filter_map(|(_, count)| *count).sum();
    assert_eq!(rotated + dropped + before, total);
    assert!(dropped + before > 0, "more events than may wait");
}

type Seen = Receiver<(AuditAction, Option<u64>)>;

/// Returns a log whose subscriber waits until the sender is dropped, and what it sees after that.
fn blocked() -> (SyncSender<()>, Seen, AuditLog) {
    let (release, released) = sync_channel::<()>(0);
    let (sender, seen) = channel();
    let audit = AuditLog::new(move |event| {
        let _ = released.recv();
        let _ = sender.send((event.action, event.count));
    });
    (release, seen, audit)
}

#[tokio::test(start_paused = true)]
async fn subscriber_gets_events_after_a_panic() {
    let (sender, seen) = channel();
    let mut number = 0;
    let audit = AuditLog::new(move |event| {
        number += 1;
        // Without the hook of `panic!`, which prints.
        if number == 1 {
            std::panic::resume_unwind(Box::new("the subscriber's own bug"));
        }
        let _ = sender.send(event.generation);
    });
    let builder = Rotating::builder().observer(audit.observer());
    let (value, mut publisher) = builder.manual(0);
    for n in 1..=3 {
        publisher.publish(n);
    }
    drop((value, publisher, audit));
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [Some(3), Some(4)]);
}

//! Subscribers that block, panic or are slow: no request notices.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

use tower_rotating_auth::{
    Rotating,
    audit::{AuditAction, AuditLog},
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer},
};

use super::{status, with};

/// Returns the text of a key.
fn token(number: usize) -> String {
    format!("valid-{number:010}-8Zk1tQ0mVd7RyXw3LpHs5N")
}

/// Sends the first request of each of so many keys, so that each is an event, on a thread of its
/// own. Returns whether all were answered: in real time, since no other clock sees a blocked
/// thread.
fn serves(layer: RequireKeyLayer, number: usize) -> bool {
    let (done, served) = channel();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap().block_on(async {
            for n in 0..number {
                assert_eq!(status(&layer, with("/", &token(n), "1")).await, 200);
                let unknown = format!("unknown-{n:010}-8Zk1tQ0mVd7RyXw3LpHs5N");
                assert_eq!(status(&layer, with("/", &unknown, "1")).await, 401);
            }
        });
        let _ = done.send(());
    });
    served.recv_timeout(Duration::from_secs(60)).is_ok()
}

fn layer(number: usize) -> RequireKeyLayer {
    let keys = (0..number).map(|n| {
        let record = KeyRecord::new(
            format!("k{n}").parse().unwrap(),
            "web".parse().unwrap(),
            "".parse().unwrap(),
        );
        (KeyDigest::of(token(n).as_bytes()), record)
    });
    RequireKeyLayer::new(Rotating::manual(KeySet::new(keys).unwrap()).0)
}

#[test]
fn blocked_subscriber_holds_no_request_up() {
    let (release, _seen, audit) = blocked();
    // First fills the queue of the subscriber, which all observers share.
    let builder = Rotating::builder().observer(audit.observer());
    let (value, mut publisher) = builder.manual(0_u64);
    let mut published = 0;
    while audit.dropped() == 0 {
        published += 1;
        publisher.publish(published);
        std::thread::yield_now();
    }
    let (passed, events) = channel();
    let mut observer = audit.observer();
    let layer = layer(1_000).observer(move |event| {
        observer(event);
        let _ = passed.send(());
    });
    assert!(serves(layer, 1_000), "no request waits");
    let event = events.recv_timeout(Duration::from_secs(60));
    assert_eq!(event, Ok(()), "the events of requests met a full queue");
    drop((value, publisher, release, audit));
}

#[test]
fn blocked_observer_holds_no_request_up() {
    let (release, released) = sync_channel::<()>(0);
    // More than may wait for an observer.
    let layer = layer(2_000).observer(move |_| {
        let _ = released.recv();
    });
    assert!(serves(layer, 2_000), "no request waits");
    drop(release);
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

//! Tests of events, and that no observer holds the engine up.

use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tower_rotating_auth::{
    Rotating,
    rotating::{Event, EventKind, Generation, RotatingBuilder},
    source::{FetchReason, SourceErrorKind},
};

use crate::support::{Answer, Upstream, Wall, millis, moment, pass, script, secs};

/// The longest wait for an event. Only a failing test waits this long.
const PATIENCE: Duration = secs(60);

/// Returns a builder whose observer sends its events.
fn observed() -> (RotatingBuilder, Receiver<Event>) {
    let (sender, events) = mpsc::channel();
    let builder = Rotating::builder().observer(move |event| {
        let _ = sender.send(event.clone());
    });
    (builder, events)
}

/// Waits for the next event. Virtual time waits for the observer's thread.
async fn next(events: Receiver<Event>) -> (Event, Receiver<Event>) {
    let waited = spawn_blocking(|| (events.recv_timeout(PATIENCE), events)).await;
    let (event, events) = waited.expect("no panic");
    (event.expect("an event"), events)
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_with_name_and_time() {
    let wall = Wall::new();
    let (source, log) = script(|asked| match asked.number {
        2 => Answer::down(),
        n => Answer::value(n),
    });
    let (builder, events) = observed();
    let key = builder
        .name("openai")
        .wall_clock(wall.reader())
        .start(source);
    let key = key.await.expect("the source delivers");
    pass(secs(5)).await;
    log.hint();
    let (failed, events) = next(events).await;
    pass(secs(5)).await;
    let (rotated, events) = next(events).await;

    assert_eq!((&*failed.name, &*rotated.name), ("openai", "openai"));
    let began = SystemTime::UNIX_EPOCH + Wall::BEGAN;
    assert_eq!(failed.at, began + secs(5));
    assert!(rotated.at > failed.at && rotated.at <= wall.now());
    match failed.kind {
        EventKind::RefreshFailed {
            kind,
            failures,
            next_attempt,
        } => {
            assert_eq!((kind, failures), (SourceErrorKind::Transient, 1));
            assert!(next_attempt <= secs(1));
        }
        other => panic!("{other:?}"),
    }
    let generation = key.current().generation();
    let reason = Some(FetchReason::Scheduled);
    assert_eq!(rotated.kind, EventKind::Rotated { generation, reason });

    log.hint(); // an unchanged value is no event
    drop(key);
    let events = spawn_blocking(move || events.iter().count()).await;
    assert_eq!(events.expect("no panic"), 0);
}

/// Returns a builder whose observer blocks until the sender is dropped, and the generations it
/// gets.
fn blocked() -> (RotatingBuilder, mpsc::Sender<()>, Receiver<Generation>) {
    let (release, held) = mpsc::channel();
    let (sender, events) = mpsc::channel();
    let builder = Rotating::builder().observer(move |event| {
        let _ = held.recv(); // until the other end is dropped
        if let EventKind::Rotated { generation, .. } = &event.kind {
            let _ = sender.send(*generation);
        }
    });
    (builder, release, events)
}

#[test]
fn blocked_observer_only_drops_counted_events() {
    const PUBLISHED: u64 = 3000;
    let (builder, release, events) = blocked();
    let (key, mut publisher) = builder.manual(0);
    for value in 1..=PUBLISHED {
        publisher.publish(value);
    }
    assert_eq!(*key.current(), PUBLISHED);
    let dropped = key.status().events_dropped;
    assert!(dropped > 0, "the backlog is bounded");

    drop((release, key, publisher));
    let events: Vec<u64> = events.iter().map(Generation::get).collect();
    assert_eq!(events.len() as u64 + dropped, PUBLISHED);
    assert!(events.is_sorted());
}

#[tokio::test(start_paused = true)]
async fn blocked_observer_does_not_stop_rotations() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let (builder, release, _events) = blocked();
    let key = builder.start(source).await.expect("the source delivers");
    for number in 2..10 {
        pass(secs(1)).await;
        upstream.rotate();
        log.hint();
        moment().await;
        assert_eq!(*key.current(), number);
    }
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn panicking_observer_gets_the_next_event() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let (sender, events) = mpsc::channel();
    let mut panics = true;
    let builder = Rotating::builder().observer(move |event| {
        panics = !panics;
        let _ = sender.send(event.clone());
        if !panics {
            resume_unwind(Box::new("boom"));
        }
    });
    let key = builder.start(source).await.expect("the source delivers");
    for number in 2..10 {
        pass(secs(1)).await;
        upstream.rotate();
        log.hint();
        moment().await;
        assert_eq!(*key.current(), number);
    }
    assert_eq!(key.status().events_dropped, 0);
    drop(key);
    let events = spawn_blocking(move || events.iter().count()).await;
    assert_eq!(events.expect("no panic"), 8);
}

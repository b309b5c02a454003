//! Events: what is told, and that nobody who listens holds anything up.

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

/// Longer than any healthy machine takes, and only waited for by a test that fails.
const PATIENCE: Duration = secs(60);

/// A builder whose observer puts down what it is told.
fn observed() -> (RotatingBuilder, Receiver<Event>) {
    let (tell, told) = mpsc::channel();
    let builder = Rotating::builder().observer(move |event| {
        let _ = tell.send(event.clone());
    });
    (builder, told)
}

/// The next event. The observer has a thread of its own, and virtual time waits for it.
async fn next(told: Receiver<Event>) -> (Event, Receiver<Event>) {
    let waited = spawn_blocking(|| (told.recv_timeout(PATIENCE), told)).await;
    let (event, told) = waited.expect("no panic");
    (event.expect("it is told"), told)
}

#[tokio::test(start_paused = true)]
async fn rotations_and_failures_are_told_in_order_with_name_and_time() {
    let wall = Wall::new();
    let (source, log) = script(|asked| match asked.number {
        2 => Answer::down(),
        n => Answer::value(n),
    });
    let (builder, told) = observed();
    let key = builder
        .name("openai")
        .wall_clock(wall.reader())
        .start(source);
    let key = key.await.expect("the source delivers");
    pass(secs(5)).await;
    log.hint();
    let (failed, told) = next(told).await;
    pass(secs(5)).await;
    let (rotated, told) = next(told).await;

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

    log.hint(); // unchanged attempts are no events
    drop(key);
    let told = spawn_blocking(move || told.iter().count()).await;
    assert_eq!(told.expect("no panic"), 0);
}

/// An observer that blocks until it is let go, and what it was told then.
fn blocked() -> (RotatingBuilder, mpsc::Sender<()>, Receiver<Generation>) {
    let (let_go, held) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let builder = Rotating::builder().observer(move |event| {
        let _ = held.recv(); // until the other end is dropped
        if let EventKind::Rotated { generation, .. } = &event.kind {
            let _ = tell.send(*generation);
        }
    });
    (builder, let_go, told)
}

#[test]
fn an_observer_that_blocks_holds_nothing_up_and_what_it_misses_is_counted() {
    const PUBLISHED: u64 = 3000;
    let (builder, let_go, told) = blocked();
    let (key, mut publisher) = builder.manual(0);
    for value in 1..=PUBLISHED {
        publisher.publish(value);
    }
    assert_eq!(*key.current(), PUBLISHED);
    let dropped = key.status().events_dropped;
    assert!(dropped > 0, "the backlog is bounded");

    drop((let_go, key, publisher));
    let told: Vec<u64> = told.iter().map(Generation::get).collect();
    assert_eq!(told.len() as u64 + dropped, PUBLISHED);
    assert!(told.is_sorted());
}

#[tokio::test(start_paused = true)]
async fn the_refresh_task_rotates_on_whatever_the_observer_does() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let (builder, let_go, _told) = blocked();
    let key = builder.start(source).await.expect("the source delivers");
    for number in 2..10 {
        pass(secs(1)).await;
        upstream.rotate();
        log.hint();
        moment().await;
        assert_eq!(*key.current(), number);
    }
    drop(let_go);
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_is_told_of_the_next_event_all_the_same() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let (tell, told) = mpsc::channel();
    let mut panics = true;
    let builder = Rotating::builder().observer(move |event| {
        panics = !panics;
        let _ = tell.send(event.clone());
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
    let told = spawn_blocking(move || told.iter().count()).await;
    assert_eq!(told.expect("no panic"), 8);
}

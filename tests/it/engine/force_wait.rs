//! Tests of how long a rejected request waits for a new key.

use std::future::ready;

use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    rotating::RefreshErrorKind,
    source::{FetchReason, RefreshInterval, SourceError, SourceErrorKind, source_fn},
};

use crate::support::{Answer, Upstream, millis, moment, pass, script, secs};

#[tokio::test(start_paused = true)]
async fn unchanged_key_ends_the_wait_at_force_wait() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;

    let asked = Instant::now();
    let outcome = key.refresh_newer_than(key.current().generation()).await;
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged));
    assert_eq!(asked.elapsed(), secs(5));
    // At once, and again after 1 s and after 2 s more.
    assert_eq!(log.count_for(FetchReason::Rejected), 3);
}

#[cfg(feature = "outbound")]
#[tokio::test(start_paused = true)]
async fn handle_waits_as_long_as_it_says() {
    use tower_rotating_auth::Secret;
    use tower_rotating_auth::outbound::{IntoCredential, RotatingCredential};

    for (wait, wanted) in [(None, 5), (Some(secs(2)), 2), (Some(secs(20)), 20)] {
        let source = source_fn(|| ready(Ok::<_, SourceError>(Secret::from("sk-1"))));
        let key = RotatingCredential::start(source.bearer()).await.unwrap();
        pass(secs(5)).await;
        let handle = match wait {
            Some(wait) => key.clone().with_force_wait(wait),
            None => key.clone(),
        };
        let asked = Instant::now();
        let outcome = handle.refresh_newer_than(key.current().generation()).await;
        assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged));
        assert_eq!(asked.elapsed(), secs(wanted));
    }
}

#[tokio::test(start_paused = true)]
async fn late_writer_is_waited_for() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;

    let asked = Instant::now();
    let waiting = tokio::spawn(key.refresh_newer_than(key.current().generation()));
    pass(millis(500)).await;
    upstream.rotate(); // half a second after the first fetch
    let newer = waiting.await.expect("no panic").expect("a newer key came");
    assert_eq!(*newer, 2);
    assert!((secs(1)..secs(1) + millis(10)).contains(&asked.elapsed()));
    assert_eq!(log.count_for(FetchReason::Rejected), 2);
}

#[tokio::test(start_paused = true)]
async fn source_is_asked_even_after_force_wait() {
    for (force_wait, min_interval) in [(secs(0), secs(1)), (secs(2), secs(10))] {
        let upstream = Upstream::new();
        let (source, log) = upstream.source(millis(0));
        let source = source.with_interval(RefreshInterval::new(secs(3600), min_interval));
        let key = Rotating::builder().force_wait(force_wait).start(source);
        let key = key.await.expect("the source delivers");
        upstream.rotate();
        let outcome = key.refresh_newer_than(key.current().generation()).await;
        assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::TimedOut));
        pass(min_interval + millis(10)).await;
        assert_eq!(*key.current(), 2, "{force_wait:?}");
        assert_eq!(log.count_for(FetchReason::Rejected), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn hint_ends_the_wait_early() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let source = source.with_interval(RefreshInterval::new(secs(60), millis(10)));
    let key = Rotating::builder().force_wait(secs(20)).start(source);
    let key = key.await.expect("the source delivers");
    pass(secs(1)).await;

    let waiting = tokio::spawn(key.refresh_newer_than(key.current().generation()));
    pass(secs(12)).await; // between two retries, which are seconds apart by now
    let before = log.count();
    upstream.rotate();
    log.hint();
    let hinted = Instant::now();
    let newer = waiting.await.expect("no panic").expect("a newer key came");
    assert_eq!(*newer, 2);
    assert!(hinted.elapsed() < millis(10), "{:?}", hinted.elapsed());
    assert_eq!(log.count(), before + 1);
    assert_eq!(log.last().reason, FetchReason::Changed);
}

#[tokio::test(start_paused = true)]
async fn hint_after_the_last_retry_ends_the_wait() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;

    let asked = Instant::now();
    let waiting = tokio::spawn(key.refresh_newer_than(key.current().generation()));
    pass(millis(4500)).await;
    upstream.rotate();
    log.hint();
    let newer = waiting.await.expect("no panic").expect("a newer key came");
    assert_eq!(*newer, 2);
    assert!(asked.elapsed() < secs(5));
}

#[tokio::test(start_paused = true)]
async fn only_the_first_unchanged_refresh_waits() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;
    let rejected = key.current().generation();
    let _ = key.refresh_newer_than(rejected).await;

    pass(secs(60)).await; // the cooldown is over
    let fetches = log.count_for(FetchReason::Rejected);
    let asked = Instant::now();
    let outcome = key.refresh_newer_than(rejected).await;
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged));
    assert!(asked.elapsed() <= secs(1), "{:?}", asked.elapsed());
    assert_eq!(log.count_for(FetchReason::Rejected), fetches + 1);
}

#[tokio::test(start_paused = true)]
async fn hanging_source_ends_the_wait_at_force_wait() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        2 => Answer::hangs(),
        _ => Answer::value(2),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;

    let asked = Instant::now();
    let outcome = key.refresh_newer_than(key.current().generation()).await;
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::TimedOut));
    assert_eq!(asked.elapsed(), secs(5));
    assert_eq!(*key.current(), 1);

    // The attempt itself ends at the fetch timeout, and the engine recovers by itself.
    pass(secs(24)).await;
    assert!(log.running());
    pass(secs(1) + millis(10)).await;
    assert!(!log.running());
    assert_eq!(key.status().last_error, Some(SourceErrorKind::TimedOut));
    pass(secs(1)).await;
    assert_eq!(*key.current(), 2);
    assert_eq!(key.status().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn rejection_during_hanging_fetch_times_out() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        _ => Answer::hangs(),
    });
    let key = Rotating::builder().poll(secs(10)).start(source);
    let key = key.await.expect("the source delivers");
    while !log.running() {
        pass(millis(100)).await;
    }
    let asked = Instant::now();
    let outcome = key.refresh_newer_than(key.current().generation()).await;
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::TimedOut));
    assert_eq!(asked.elapsed(), secs(5));
    assert_eq!(log.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn forced_attempt_keeps_min_interval() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    moment().await;
    upstream.rotate();
    let newer = key.refresh_newer_than(key.current().generation()).await;
    assert_eq!(*newer.expect("there is a newer key"), 2);
    assert_eq!(log.gaps(), [secs(1)]);
}

/// The source blocks the thread of the refresh task, as a badly written one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_source_does_not_prolong_the_wait() {
    let (released, held) = std::sync::mpsc::channel::<()>();
    let (entered, mut blocked) = tokio::sync::mpsc::unbounded_channel();
    let held = std::sync::Mutex::new(held);
    let mut number = 0;
    let source = source_fn(move || {
        number += 1;
        if number > 1 {
            let _ = entered.send(());
            let _ = held.lock().unwrap().recv(); // until the test ends
        }
        ready(Ok::<_, SourceError>(number))
    });
    let builder = Rotating::builder().force_wait(millis(300));
    let key = builder.start(source).await.unwrap();
    let first = key.current().generation();
    let waiting = tokio::spawn(key.refresh_newer_than(first));
    blocked.recv().await.unwrap();
    let asked = Instant::now();
    let late = key.refresh_newer_than(first).await;
    assert!(matches!(late, Err(error) if error.kind() == RefreshErrorKind::TimedOut));
    let waited = waiting.await.unwrap();
    assert!(matches!(waited, Err(error) if error.kind() == RefreshErrorKind::TimedOut));
    assert!(asked.elapsed() < secs(60), "the source blocks for ever");
    // Those who ask meanwhile do not pile up without end.
    let asked: Vec<_> = (0..2000).map(|_| key.refresh_newer_than(first)).collect();
    let last = asked.into_iter().next_back().unwrap().await;
    assert!(matches!(last, Err(error) if error.kind() == RefreshErrorKind::Throttled));
    drop(released);
}

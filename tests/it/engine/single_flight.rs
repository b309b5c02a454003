//! Tests that concurrent callers share one fetch, and which one answers whom.

use std::ptr;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};
use tower_rotating_auth::{
    Rotating,
    rotating::{Current, RefreshErrorKind},
    source::{FetchReason, SourceError},
};

use crate::support::{Answer, Log, Upstream, block_on, millis, moment, pass, script, secs};

/// Starts a value and waits until the next fetch may start at once.
async fn started(upstream: &Upstream) -> (Rotating<u64>, Log) {
    let (source, log) = upstream.source(millis(50));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;
    (key, log)
}

/// Returns the generation and the value.
fn known(current: &Current<u64>) -> (u64, u64) {
    (current.generation().get(), **current)
}

#[tokio::test(start_paused = true)]
async fn rejections_of_one_generation_share_a_fetch() {
    let upstream = Upstream::new();
    let (key, log) = started(&upstream).await;
    upstream.rotate();

    let rejected = key.current().generation();
    let asked = Instant::now();
    for outcome in join_all((0..100).map(|_| key.refresh_newer_than(rejected))).await {
        assert_eq!(known(&outcome.expect("there is a newer key")), (2, 2));
    }
    assert_eq!(asked.elapsed(), millis(50));
    assert_eq!(log.count(), 2);
    let forced = log.last();
    assert_eq!(forced.reason, FetchReason::Rejected);
    assert_eq!(forced.rejected, Some(rejected));
}

#[tokio::test(start_paused = true)]
async fn late_rejection_of_old_generation_fetches_nothing() {
    let upstream = Upstream::new();
    let (key, log) = started(&upstream).await;
    let old = key.current().generation();
    upstream.rotate();
    key.refresh_newer_than(old)
        .await
        .expect("there is a newer key");
    let fetched = log.count();

    pass(secs(5)).await;
    upstream.rotate(); // a fetch would find it
    let now = Instant::now();
    for _ in 0..50 {
        let newer = key
            .refresh_newer_than(old)
            .await
            .expect("it is there already");
        assert_eq!(known(&newer), (2, 2));
    }
    assert_eq!(now.elapsed(), millis(0));
    moment().await;
    assert_eq!(log.count(), fetched);
}

#[tokio::test(start_paused = true)]
async fn cancelled_waiter_does_not_affect_others() {
    let upstream = Upstream::new();
    let (key, log) = started(&upstream).await;
    let rejected = key.current().generation();
    upstream.rotate();

    let asked = Instant::now();
    let first = tokio::spawn(key.refresh_newer_than(rejected));
    let others = join_all((0..10).map(|_| key.refresh_newer_than(rejected)));
    pass(millis(20)).await;
    assert!(log.running());
    first.abort();
    for outcome in others.await {
        assert_eq!(known(&outcome.expect("there is a newer key")), (2, 2));
    }
    assert_eq!(asked.elapsed(), millis(50));
    assert_eq!(log.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn refresh_runs_even_if_dropped() {
    let upstream = Upstream::new();
    let (key, log) = started(&upstream).await;
    upstream.rotate();
    drop(key.refresh_newer_than(key.current().generation()));
    pass(millis(60)).await;
    assert_eq!(known(&key.current()), (2, 2));
    assert_eq!(log.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejection_waits_for_a_later_attempt() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(secs(2));
    let key = Rotating::builder().poll(secs(10)).start(source);
    let key = key.await.expect("the source delivers");
    while !log.running() {
        pass(millis(100)).await;
    }
    // The running attempt has already read the old key.
    upstream.rotate();
    let asked = Instant::now();
    let newer = key.refresh_newer_than(key.current().generation()).await;
    assert_eq!(known(&newer.expect("there is a newer key")), (2, 2));
    assert!(asked.elapsed() <= secs(4), "the next starts at once");
    let reasons: Vec<_> = log.all().iter().map(|asked| asked.reason).collect();
    assert_eq!(
        reasons,
        [
            FetchReason::Start,
            FetchReason::Scheduled,
            FetchReason::Rejected
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn failed_attempt_does_not_answer_later_rejection() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        2 => Answer::down().after(secs(1)),
        _ => Answer::value(2),
    });
    let key = Rotating::builder().poll(secs(10)).start(source);
    let key = key.await.expect("the source delivers");
    while !log.running() {
        pass(millis(100)).await;
    }
    let newer = key.refresh_newer_than(key.current().generation()).await;
    assert_eq!(known(&newer.expect("the next attempt delivers")), (2, 2));
    assert_eq!(log.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn new_key_of_running_attempt_answers_rejection() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(secs(2));
    let key = Rotating::builder().poll(secs(10)).start(source);
    let key = key.await.expect("the source delivers");
    upstream.rotate();
    while !log.running() {
        pass(millis(100)).await;
    }
    let newer = key.refresh_newer_than(key.current().generation()).await;
    assert_eq!(known(&newer.expect("there is a newer key")), (2, 2));
    pass(secs(4)).await; // well before the next poll
    assert_eq!(log.count(), 2, "no further fetch was due");
}

#[tokio::test(start_paused = true)]
async fn rejection_overtaken_by_rotation_fetches_nothing() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let (key, driver) = Rotating::pair(source).await.expect("the source delivers");
    let mut driver = Box::pin(driver);
    let mut drive = async |time| timeout(time, &mut driver).await.expect_err("it goes on");
    drive(secs(2)).await;
    upstream.rotate();
    log.hint();
    drive(millis(0)).await;
    moment().await; // compared, but the driver has not seen the result

    let rejected = key.current().generation();
    assert_eq!((rejected.get(), log.count()), (1, 2));
    let late = key.refresh_newer_than(rejected);
    drive(millis(0)).await;
    let newer = timeout(millis(0), late).await.expect("an answer at once");
    assert_eq!(known(&newer.expect("it is there already")), (2, 2));
    drive(secs(10)).await;
    assert_eq!(log.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejections_share_a_late_failure() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        _ => Answer::down().after(secs(22)),
    });
    let key = Rotating::builder().force_wait(secs(25)).start(source);
    let key = key.await.expect("the first attempt delivers");
    pass(secs(5)).await;

    let rejected = key.current().generation();
    let asked = Instant::now();
    let outcomes = join_all((0..1000).map(|_| key.refresh_newer_than(rejected))).await;
    assert_eq!(asked.elapsed(), secs(22));
    assert_eq!(log.count(), 2);
    let errors: Vec<&SourceError> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Err(error) => error.source_error().expect("the source failed"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(errors.iter().all(|error| ptr::eq(*error, errors[0])));
    assert_eq!(known(&key.current()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn concurrent_refreshes_share_a_fetch() {
    let upstream = Upstream::new();
    let (key, log) = started(&upstream).await;
    for outcome in join_all((0..20).map(|_| key.refresh())).await {
        assert_eq!(known(&outcome.expect("the source delivers")), (1, 1));
    }
    assert_eq!(log.count(), 2);
    assert_eq!(log.last().reason, FetchReason::Requested);
}

#[tokio::test(start_paused = true)]
async fn refresh_and_rejection_share_a_fetch() {
    let upstream = Upstream::new();
    let (key, log) = started(&upstream).await;
    upstream.rotate();
    let rejected = key.current().generation();
    let (operator, request) = (key.refresh(), key.refresh_newer_than(rejected));
    for outcome in [operator.await, request.await] {
        assert_eq!(known(&outcome.expect("there is a newer key")), (2, 2));
    }
    assert_eq!(log.count(), 2);
    assert_eq!(log.last().rejected, Some(rejected));
}

#[tokio::test(start_paused = true)]
async fn refresh_waits_for_a_later_attempt() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(secs(2));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;
    let first = key.refresh();
    moment().await;
    assert!(log.running());
    upstream.rotate();
    let second = key.refresh();
    assert_eq!(known(&first.await.expect("the source delivers")), (1, 1));
    assert_eq!(known(&second.await.expect("the source delivers")), (2, 2));
    assert_eq!(log.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn refresh_returns_the_failure() {
    let (source, _) = script(|asked| match asked.number {
        1 => Answer::value(1),
        _ => Answer::down(),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    let outcome = key.refresh().await;
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::Failed));
    assert_eq!(known(&key.current()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn waiting_and_reading_need_no_runtime() {
    let upstream = Upstream::new();
    let (source, _) = upstream.source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;
    upstream.rotate();

    let plain = std::thread::spawn(move || {
        assert!(tokio::runtime::Handle::try_current().is_err());
        let rejected = key.current().generation();
        let newer = block_on(key.refresh_newer_than(rejected)).expect("there is a newer key");
        assert_eq!(key.status().generation, newer.generation());
        known(&newer)
    });
    let joined = tokio::task::spawn_blocking(|| plain.join()).await;
    assert_eq!(joined.expect("no panic").expect("no panic"), (2, 2));
}

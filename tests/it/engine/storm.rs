//! Tests of the storm guard: how often an upstream that keeps rejecting can force a fetch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tower_rotating_auth::{Rotating, rotating::RefreshErrorKind, source::FetchReason};

use crate::support::{Answer, Log, Script, Upstream, millis, minutes, pass, script, secs};

/// Counts of requests by outcome.
#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    resent: AtomicU64,
    rejected: AtomicU64,
}

impl Tally {
    fn count(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

/// Sends a request that is always rejected, as the outbound layer would.
async fn rejected_request(key: Rotating<u64>, tally: Arc<Tally>) {
    let first = key.current().generation();
    tally.sent.fetch_add(1, Ordering::Relaxed);
    if let Ok(newer) = key.refresh_newer_than(first).await {
        assert!(newer.generation() > first, "replayed with the rejected key");
        tally.resent.fetch_add(1, Ordering::Relaxed);
        // The second rejection is reported, but nobody waits: there is no third attempt.
        drop(key.refresh_newer_than(newer.generation()));
    }
    tally.rejected.fetch_add(1, Ordering::Relaxed);
}

/// Sends ten requests a second for an hour, all rejected. Returns how many fetches they forced.
async fn storm(source: Script<u64>, log: &Log) -> usize {
    let key = Rotating::start(source).await.expect("the source delivers");
    let tally = Arc::new(Tally::default());
    for _ in 0..36_000 {
        tokio::spawn(rejected_request(key.clone(), Arc::clone(&tally)));
        pass(millis(100)).await;
    }
    pass(secs(10)).await;
    assert_eq!(Tally::count(&tally.sent), 36_000);
    assert_eq!(Tally::count(&tally.rejected), 36_000, "each got its answer");
    assert!(Tally::count(&tally.resent) <= 36_000);
    log.count_for(FetchReason::Rejected)
}

#[tokio::test(start_paused = true)]
async fn unchanged_rejected_key_forces_few_fetches() {
    let (source, log) = script(|_| Answer::value(1).after(millis(50)));
    let forced = storm(source, &log).await;
    assert!((1..=20).contains(&forced), "{forced}");
}

#[tokio::test(start_paused = true)]
async fn rejected_new_keys_force_few_fetches() {
    let mint = |number| Answer::value(number).after(millis(50));
    let (source, log) = script(move |asked| mint(asked.number as u64));
    let forced = storm(source, &log).await;
    assert!((1..=20).contains(&forced), "{forced}");
}

#[tokio::test(start_paused = true)]
async fn rejected_day_tokens_cost_few_fetches() {
    let mint = |number| Answer::lives(number, minutes(24 * 60)).after(millis(50));
    let (source, log) = script(move |asked| mint(asked.number as u64));
    storm(source, &log).await;
    assert!((2..=20).contains(&log.count()), "{}", log.count());
}

#[tokio::test(start_paused = true)]
async fn failing_source_is_forced_rarely() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        _ => Answer::down().after(millis(50)),
    });
    let forced = storm(source, &log).await;
    assert!((1..=20).contains(&forced), "{forced}");
}

#[tokio::test(start_paused = true)]
async fn unchanged_refresh_starts_the_cooldown() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;
    let rejected = key.current().generation();
    let _ = key.refresh_newer_than(rejected).await; // takes 5 s of the 10 s

    let fetched = log.count();
    for _ in 0..4 {
        let now = tokio::time::Instant::now();
        let outcome = key.refresh_newer_than(rejected).await;
        assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Cooldown));
        assert_eq!(now.elapsed(), millis(0));
        pass(secs(1)).await;
    }
    assert_eq!(log.count(), fetched);
    pass(secs(2)).await;
    let outcome = key.refresh_newer_than(rejected).await;
    assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged));
}

#[tokio::test(start_paused = true)]
async fn builder_sets_the_cooldown() {
    let (source, _) = Upstream::new().source(millis(0));
    let key = Rotating::builder()
        .cooldown(secs(60), secs(120))
        .start(source);
    let key = key.await.expect("the source delivers");
    let rejected = key.current().generation();
    let began = tokio::time::Instant::now();
    let mut allowed = Vec::new();
    while began.elapsed() < minutes(8) {
        let at = began.elapsed();
        let outcome = key.refresh_newer_than(rejected).await;
        if matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged) {
            allowed.push(at.as_secs());
        }
        pass(millis(500)).await;
    }
    // After one minute, then every two minutes.
    assert_eq!(allowed, [0, 60, 180, 300, 420]);
}

#[tokio::test(start_paused = true)]
async fn cooldown_does_not_bind_the_next_generation() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;
    let _ = key.refresh_newer_than(key.current().generation()).await;
    upstream.rotate();
    log.hint();
    pass(millis(10)).await;
    assert_eq!(*key.current(), 2);

    upstream.rotate();
    let newer = key.refresh_newer_than(key.current().generation()).await;
    assert_eq!(*newer.expect("there is a newer key"), 3);
}

#[tokio::test(start_paused = true)]
async fn only_the_bucket_limits_operator_refreshes() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    for _ in 0..3 {
        key.refresh().await.expect("the bucket holds three");
    }
    let outcome = key.refresh().await;
    assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Throttled));
    assert_eq!(log.count_for(FetchReason::Requested), 3);

    // Those took 3 s. The bucket gains a token 10 s after the first.
    pass(secs(6)).await;
    let outcome = key.refresh().await;
    assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Throttled));
    pass(secs(2)).await;
    key.refresh().await.expect("one more after ten seconds");
    let outcome = key.refresh().await;
    assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Throttled));

    // The cooldown does not apply to operators.
    pass(minutes(1)).await;
    let _ = key.refresh_newer_than(key.current().generation()).await;
    key.refresh().await.expect("the bucket holds more");
}

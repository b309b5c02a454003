//! An upstream that rejects and rejects: how often the source is asked for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tower_rotating_auth::{Rotating, rotating::RefreshErrorKind, source::FetchReason};

use crate::support::{Answer, Log, Script, Upstream, millis, minutes, pass, script, secs};

/// What became of the requests.
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

/// One request that is always rejected, through what an outbound layer does with it.
async fn rejected_request(key: Rotating<u64>, tally: Arc<Tally>) {
    let first = key.current().generation();
    tally.sent.fetch_add(1, Ordering::Relaxed);
    if let Ok(newer) = key.refresh_newer_than(first).await {
        assert!(
            newer.generation() > first,
            "sent again with what was rejected"
        );
        tally.resent.fetch_add(1, Ordering::Relaxed);
        // The second rejection is noted; nobody waits, and nothing is sent a third time.
        drop(key.refresh_newer_than(newer.generation()));
    }
    tally.rejected.fetch_add(1, Ordering::Relaxed);
}

/// Ten requests a second for an hour, all rejected; how often the source was asked because of it.
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
async fn a_source_that_keeps_its_rejected_key_is_forced_at_most_twenty_times_an_hour() {
    let (source, log) = script(|_| Answer::value(1).after(millis(50)));
    let forced = storm(source, &log).await;
    assert!((1..=20).contains(&forced), "{forced}");
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_every_new_key_is_rejected_is_forced_at_most_twenty_times_an_hour() {
    let mint = |number| Answer::value(number).after(millis(50));
    let (source, log) = script(move |asked| mint(asked.number as u64));
    let forced = storm(source, &log).await;
    assert!((1..=20).contains(&forced), "{forced}");
}

#[tokio::test(start_paused = true)]
async fn tokens_that_live_a_day_and_are_all_rejected_cost_twenty_fetches_an_hour_in_all() {
    let mint = |number| Answer::lives(number, minutes(24 * 60)).after(millis(50));
    let (source, log) = script(move |asked| mint(asked.number as u64));
    storm(source, &log).await;
    assert!((2..=20).contains(&log.count()), "{}", log.count());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_under_a_storm_is_not_stormed() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        _ => Answer::down().after(millis(50)),
    });
    let forced = storm(source, &log).await;
    assert!((1..=20).contains(&forced), "{forced}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_refreshed_in_vain_is_held_back_at_once_and_for_the_cooldown() {
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
async fn the_cooldown_is_the_builders_to_set() {
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
    // After one minute, and then every two.
    assert_eq!(allowed, [0, 60, 180, 300, 420]);
}

#[tokio::test(start_paused = true)]
async fn the_cooldown_of_one_generation_is_not_the_next_ones() {
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
async fn an_operator_is_held_back_by_the_bucket_alone() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    for _ in 0..3 {
        key.refresh().await.expect("the bucket holds three");
    }
    let outcome = key.refresh().await;
    assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Throttled));
    assert_eq!(log.count_for(FetchReason::Requested), 3);

    // Those took three seconds; a token comes back ten seconds after the first.
    pass(secs(6)).await;
    let outcome = key.refresh().await;
    assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Throttled));
    pass(secs(2)).await;
    key.refresh().await.expect("one more after ten seconds");
    let outcome = key.refresh().await;
    assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Throttled));

    // A cooldown is no matter of an operator's.
    pass(minutes(1)).await;
    let _ = key.refresh_newer_than(key.current().generation()).await;
    key.refresh().await.expect("the bucket holds more");
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_taken_in_the_end_hold_no_refresh_back() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    for _ in 0..10 {
        pass(minutes(1)).await;
        upstream.rotate();
        log.hint();
        pass(secs(2)).await;
        // Not active yet; and a minute later it is.
        let used = key.current().generation();
        let outcome = key.refresh_newer_than(used).await;
        assert!(
            matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged),
            "{outcome:?}"
        );
        key.report_accepted(used);
    }
}

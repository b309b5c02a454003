//! Tests of extreme settings.

use std::time::Duration;

use tokio::time::timeout;
use tower_rotating_auth::{
    Rotating,
    rotating::{RefreshAhead, RefreshErrorKind, RotatingBuilder},
    source::RefreshInterval,
};

use crate::support::{Answer, Upstream, millis, minutes, pass, script, secs};

const EVER: Duration = Duration::MAX;

#[tokio::test(start_paused = true)]
async fn endless_durations_do_not_panic() {
    let set: [fn(RotatingBuilder) -> RotatingBuilder; 8] = [
        |builder| builder.refresh_ahead(RefreshAhead::before(EVER)),
        |builder| builder.poll(EVER),
        |builder| builder.force_wait(EVER),
        |builder| builder.fetch_timeout(EVER),
        |builder| builder.wait_for_first(EVER),
        |builder| builder.cooldown(EVER, EVER),
        |builder| builder.backoff(EVER, EVER),
        |builder| builder.backoff(secs(1), EVER).cooldown(secs(1), EVER),
    ];
    for (number, set) in set.into_iter().enumerate() {
        // Ten times: only some random draws would overflow.
        for _ in 0..10 {
            let (source, _) = script(|asked| match asked.number {
                1 | 3 => Answer::down(),
                n => Answer::value(n),
            });
            let key = set(Rotating::builder().wait_for_first(minutes(1))).start(source);
            let key = key.await.expect("the second attempt delivers");
            let failed = key.refresh_newer_than(key.current().generation()).await;
            assert!(
                matches!(&failed, Err(error) if error.kind() == RefreshErrorKind::Failed),
                "{number}: {failed:?}"
            );
            let newer = key.refresh().await;
            assert_eq!(*newer.expect("the fourth attempt delivers"), 4, "{number}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn endless_min_interval_does_not_panic() {
    for interval in [
        RefreshInterval::new(EVER, EVER),
        RefreshInterval::new(secs(10), EVER),
    ] {
        let (source, log) = Upstream::new().source(millis(0));
        let key = Rotating::start(source.with_interval(interval)).await;
        let key = key.expect("the source delivers");
        let outcome = key.refresh_newer_than(key.current().generation()).await;
        assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::TimedOut));
        assert!(timeout(minutes(60), key.refresh()).await.is_err());
        assert_eq!(log.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn zero_min_interval_does_not_spin() {
    // Hangs after many fetches: endless fetches would keep virtual time from passing.
    const MANY: usize = 20_000;
    let answer = |number| match number {
        MANY.. => Answer::hangs(),
        _ => Answer::value(1),
    };
    for interval in [
        RefreshInterval::new(secs(60), secs(0)),
        RefreshInterval::new(secs(0), secs(0)),
    ] {
        let (source, log) = script(move |asked| answer(asked.number));
        let key = Rotating::builder()
            .force_wait(secs(2))
            .start(source.with_interval(interval));
        let key = key.await.expect("the source delivers");
        let outcome = key.refresh_newer_than(key.current().generation()).await;
        assert!(
            matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged),
            "{outcome:?}"
        );
        pass(secs(1)).await;
        assert!(log.count() <= 3001, "{} in three seconds", log.count());
        assert!(log.gaps().iter().all(|gap| *gap >= millis(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_ahead_sets_when_a_value_is_refreshed() {
    for (ahead, earliest, latest) in [
        (RefreshAhead::default(), 2295, 2700),
        (RefreshAhead::at_share(0.5).jitter(0.1), 1620, 1800),
        (RefreshAhead::before(minutes(1)).jitter(0.0), 3540, 3540),
    ] {
        let (source, log) = script(|asked| Answer::lives(asked.number, minutes(60)));
        let key = Rotating::builder().refresh_ahead(ahead).start(source);
        let _key = key.await.expect("the source delivers");
        pass(minutes(60)).await;
        let first = log.gaps()[0];
        let range = secs(earliest)..=secs(latest) + millis(2);
        assert!(range.contains(&first), "{ahead:?}: {first:?}");
    }
}

//! Tests of the schedule: when the source is asked without a rejection.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    source::{
        Expiry, FetchReason, Fetched, RefreshInterval, Revision, SourceError, SourceErrorKind,
    },
};

use crate::support::{Answer, Upstream, Wall, millis, minutes, pass, script, secs};

const HOUR: Duration = minutes(60);

#[tokio::test(start_paused = true)]
async fn simultaneous_starts_spread_their_refreshes() {
    let mut logs = Vec::new();
    let starts = (0..1000).map(|_| {
        let (source, log) = script(|asked| Answer::lives(asked.number, HOUR));
        logs.push(log);
        Rotating::start(source)
    });
    let keys = join_all(starts.collect::<Vec<_>>()).await;
    assert!(keys.iter().all(Result::is_ok));
    pass(HOUR.mul_f64(0.76)).await;

    let second: Vec<Duration> = logs.iter().map(|log| log.times()[1]).collect();
    let (first, last) = (second.iter().min(), second.iter().max());
    let (first, last) = (*first.expect("a refresh"), *last.expect("a refresh"));
    assert!(first >= HOUR.mul_f64(0.75 * 0.85) && last <= HOUR.mul_f64(0.75) + millis(1));
    let spread = last - first;
    assert!(spread >= HOUR / 10, "{spread:?}");

    let mut bins = [0_u32; 10];
    for at in second {
        let bin = (10.0 * (at - first).div_duration_f64(spread)).min(9.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 9"
        )]
        let bin = bin as usize;
        bins[bin] += 1;
    }
    assert!(bins.iter().all(|&bin| bin <= 200), "{bins:?}");
}

#[tokio::test(start_paused = true)]
async fn value_without_expiry_is_polled_every_minute() {
    for (poll, every) in [(None, 60.0), (Some(secs(10)), 10.0)] {
        let (source, log) = Upstream::new().source(millis(0));
        let builder = Rotating::builder();
        let builder = match poll {
            Some(poll) => builder.poll(poll),
            None => builder,
        };
        let _key = builder.start(source).await.expect("the source delivers");
        pass(minutes(20)).await;
        for gap in log.gaps() {
            let share = gap.as_secs_f64() / every;
            assert!((0.9..1.1001).contains(&share), "{gap:?}");
        }
        assert!(log.count() > 15);
    }
}

#[tokio::test(start_paused = true)]
async fn builder_overrides_the_source_interval() {
    let (source, log) = script(|_| Answer::lives(1, HOUR));
    let source = source.with_interval(RefreshInterval::new(secs(100), secs(10)));
    let _key = Rotating::start(source).await.expect("the source delivers");
    let (slow, slower) = script(|_| Answer::lives(1, HOUR));
    let slow = slow.with_interval(RefreshInterval::new(secs(100), secs(10)));
    let key = Rotating::builder().poll(secs(300)).min_interval(secs(20));
    let _other = key.start(slow).await.expect("the source delivers");
    pass(minutes(20)).await;
    assert!((11..=14).contains(&log.count()), "{}", log.count());
    assert!((4..=5).contains(&slower.count()), "{}", slower.count());
}

#[tokio::test(start_paused = true)]
async fn failed_refreshes_follow_the_backoff() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::lives(1, 24 * HOUR),
        _ => Answer::down(),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    while log.count() < 2 {
        pass(secs(1)).await;
    }
    pass(minutes(10)).await;
    // 1, 2, 4 … 60 s, each shortened by up to a half: 15 attempts without jitter, 25 at most.
    let tried = log.count_for(FetchReason::Scheduled);
    assert!((14..=26).contains(&tried), "{tried}");
    for (failures, gap) in (1..).zip(&log.gaps()[1..]) {
        let full = secs(1 << (failures - 1).min(6)).min(secs(60));
        let least = (full / 2).max(secs(1));
        assert!(
            (least..=full + millis(1)).contains(gap),
            "{failures}: {gap:?}"
        );
    }
    assert_eq!(key.status().failures as usize, tried);
}

#[tokio::test(start_paused = true)]
async fn failed_refreshes_speed_up_towards_expiry() {
    let (source, log) = script(|asked| {
        // Down from before the first renewal until ten seconds before the expiry.
        if (secs(1)..HOUR - secs(10)).contains(&asked.at) {
            Answer::down()
        } else {
            Answer::lives(asked.number, HOUR)
        }
    });
    let wall = Wall::new();
    let key = Rotating::builder().wall_clock(wall.reader()).start(source);
    let key = key.await.expect("the source delivers");
    pass(HOUR - millis(1)).await;
    assert_eq!(key.current().generation().get(), 2);
    assert!(!key.current().expired_at(wall.now()));
    assert!(log.count() < 40, "{}", log.count());
}

#[tokio::test(start_paused = true)]
async fn permanent_failure_is_retried_less_often() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        20.. => Answer::value(2),
        _ => Answer::fails(SourceError::permanent("no such user")),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    while log.count() < 19 {
        pass(secs(1)).await;
    }
    let gaps = log.gaps();
    assert!(gaps[10..].iter().all(|gap| *gap >= secs(150)), "{gaps:?}");
    pass(secs(301)).await;
    assert_eq!(*key.current(), 2);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_within_bounds() {
    let asks_for = [secs(42), secs(24 * 3600), secs(0)];
    let (source, log) = script(move |asked| match asked.number {
        1 => Answer::value(1),
        n @ 2..=4 => Answer::fails(SourceError::throttled("busy", asks_for[n - 2])),
        _ => Answer::value(2),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(minutes(10)).await;
    assert_eq!(*key.current(), 2);
    let gaps = log.gaps();
    assert_eq!((gaps[1], gaps[2]), (secs(42), secs(300)));
    assert!((secs(1)..=secs(4)).contains(&gaps[3]), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn two_hour_outage_keeps_the_key() {
    let outage = secs(1)..secs(7200);
    let (source, log) = script(move |asked| {
        if outage.contains(&asked.at) {
            Answer::down()
        } else {
            Answer::lives(asked.number, HOUR)
        }
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    for _ in 0..119 {
        pass(minutes(1)).await;
        assert_eq!(*key.current(), 1);
    }
    pass(secs(59)).await;
    let attempts = log.count() - 1;
    assert!((60..=130).contains(&attempts), "{attempts}");
    assert_eq!(key.status().last_error, Some(SourceErrorKind::Transient));

    pass(secs(1 + 62)).await;
    assert_eq!(key.current().generation().get(), 2);
    assert_eq!((key.status().last_error, key.status().failures), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn short_lived_tokens_are_fetched_once_a_second() {
    for lifetime in [secs(1), secs(2), millis(10)] {
        let (source, log) = script(move |asked| Answer::lives(asked.number, lifetime));
        let key = Rotating::start(source).await.expect("the source delivers");
        pass(minutes(10) - millis(1)).await;
        assert!((200..=600).contains(&log.count()), "{}", log.count());
        assert!(log.gaps().iter().all(|gap| *gap >= secs(1)));
        assert!(key.current().generation().get() > 100);
    }
}

#[tokio::test(start_paused = true)]
async fn endless_lifetime_does_not_panic() {
    let far = std::time::SystemTime::UNIX_EPOCH + secs(u64::MAX >> 2);
    for expiry in [
        Expiry::In(Duration::MAX),
        Expiry::In(secs(u64::MAX)),
        "18446744073709551616".parse().expect("a number"),
        Expiry::At(far),
    ] {
        let (source, log) = script(move |asked| match asked.number {
            1 => Answer::fetched(Fetched::new(1).expires(expiry)),
            2 => Answer::down(),
            _ => Answer::fetched(Fetched::unchanged().expires(expiry)),
        });
        let key = Rotating::start(source).await.expect("the source delivers");
        assert!(key.current().expires_at().is_some());
        pass(24 * HOUR).await;
        assert_eq!(log.count(), 1);
        log.hint();
        pass(24 * HOUR).await;
        assert_eq!((log.count(), *key.current()), (3, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn cached_token_is_polled_rarely() {
    let began = Instant::now();
    let mut token = (0_u64, began);
    let (source, log) = script(move |_| {
        let now = Instant::now();
        if token.1.saturating_duration_since(now) <= minutes(5) {
            token = (token.0 + 1, now + HOUR);
        }
        // Like `expires_in`: in whole seconds, rounded up or down.
        let wobble = now.duration_since(began).subsec_millis() % 2;
        let left = token.1.duration_since(now).as_secs() + u64::from(wobble);
        Answer::lives(token.0, secs(left))
    });
    let wall = Wall::new();
    let key = Rotating::builder().wall_clock(wall.reader()).start(source);
    let key = key.await.expect("the source delivers");
    // Between two attempts passes about a quarter of the remaining lifetime. The last attempt
    // without a new token leaves more than two thirds of those five minutes.
    for second in 0..36_000 {
        let current = key.current();
        let late = current.expired_at(wall.now() + secs(200));
        assert!(!late, "less than 200 s left at second {second}");
        pass(secs(1)).await;
    }
    assert!(*key.current() >= 10);
    assert!(log.count() < 15 * 10, "{}", log.count());
}

#[tokio::test(start_paused = true)]
async fn unchanged_expired_value_is_polled_rarely() {
    for same in [Answer::unchanged as fn() -> Answer<u32>, || {
        Answer::value(1)
    }] {
        let (source, log) = script(move |asked| match asked.number {
            1 => Answer::lives(1, HOUR),
            _ => same(),
        });
        let key = Rotating::start(source).await.expect("the source delivers");
        pass(2 * HOUR).await;
        assert_eq!(*key.current(), 1);
        assert_eq!(key.status().last_error, Some(SourceErrorKind::Expired));
        assert!(log.count() <= 130, "{}", log.count());
    }
}

#[tokio::test(start_paused = true)]
async fn longer_expiry_keeps_the_generation() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::lives(7, HOUR),
        _ => Answer::fetched(Fetched::unchanged().expires(Expiry::In(4 * HOUR))),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    let before = key.current().expires_at();
    pass(HOUR).await;
    assert_eq!(key.current().generation().get(), 1);
    assert!(key.current().expires_at() > before);
    assert_eq!(log.count(), 2);
    pass(HOUR).await;
    assert_eq!(
        log.count(),
        2,
        "the next one is due about three hours later"
    );
}

#[tokio::test(start_paused = true)]
async fn hints_are_bound_by_min_interval() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    for _ in 0..600 {
        log.hint();
        pass(millis(100)).await;
    }
    assert!((55..=61).contains(&log.count()), "{}", log.count());
    assert!(log.gaps().iter().all(|gap| *gap >= secs(1)));
    assert_eq!(key.current().generation().get(), 1);
}

#[tokio::test(start_paused = true)]
async fn hint_ends_the_backoff() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        2..=10 => Answer::down(),
        _ => Answer::value(2),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    while log.count() < 10 {
        pass(secs(1)).await;
    }
    pass(secs(2)).await;
    log.hint();
    pass(millis(1)).await;
    assert_eq!(*key.current(), 2);
    assert_eq!(log.last().reason, FetchReason::Changed);
}

#[tokio::test(start_paused = true)]
async fn source_gets_the_current_revision() {
    let (source, log) = script(|asked| {
        let revision = Revision::new(asked.number.min(3).to_string().into_bytes());
        Answer::fetched(Fetched::new(asked.number.min(3)).revision(revision))
    });
    let key = Rotating::builder().poll(secs(10)).start(source);
    let key = key.await.expect("the source delivers");
    pass(minutes(1)).await;
    let revisions: Vec<_> = log.all().into_iter().map(|asked| asked.revision).collect();
    let rev = |number: &str| Some(Revision::new(number.as_bytes()));
    assert_eq!(revisions[..4], [None, rev("1"), rev("2"), rev("3")]);
    assert_eq!(key.current().generation().get(), 3);
}

#[tokio::test(start_paused = true)]
async fn equal_revision_skips_the_comparison() {
    /// A value that panics when it is compared.
    struct Opaque;
    impl PartialEq for Opaque {
        fn eq(&self, _: &Self) -> bool {
            panic!("compared")
        }
    }
    let fetched = || Fetched::new(Opaque).revision(Revision::new(*b"r1"));
    let (source, log) = script(move |_| Answer::fetched(fetched()));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(minutes(10)).await;
    assert!(log.count() > 5);
    assert_eq!(key.current().generation().get(), 1);
    assert_eq!(key.status().last_error, None);
}

//! Tests of the two clocks: a suspended machine, and a wall clock that jumps.

use std::time::{Duration, SystemTime};

use tower_rotating_auth::{
    Rotating,
    rotating::RotatingBuilder,
    source::{Expiry, Fetched, SourceErrorKind},
};

use crate::support::{Answer, Log, Wall, at_once, minutes, pass, script, secs};

const HOUR: Duration = minutes(60);
const YEAR: i64 = 365 * 24 * 60 * 60;

fn builder(wall: &Wall) -> RotatingBuilder {
    Rotating::builder().wall_clock(wall.reader())
}

/// Starts a value whose tokens live for an hour from when they are asked for.
async fn hourly(wall: &Wall) -> (Rotating<usize>, Log) {
    let (source, log) = script(|asked| Answer::lives(asked.number, HOUR));
    let key = builder(wall).start(source).await;
    (key.expect("the source delivers"), log)
}

#[tokio::test(start_paused = true)]
async fn suspended_machine_refreshes_within_30_s() {
    let wall = Wall::new();
    let (key, log) = hourly(&wall).await;
    pass(minutes(1)).await;
    wall.jump(2 * 3600); // the monotonic clock stood still
    assert!(key.current().expired_at(wall.now()));
    pass(secs(30)).await;
    assert_eq!(*key.current(), 2);
    assert!(!key.current().expired_at(wall.now()));
    pass(minutes(30)).await;
    assert_eq!(log.count(), 2, "one refresh is enough");
}

#[tokio::test(start_paused = true)]
async fn clock_set_back_delays_no_refresh() {
    for back in [3600, 20 * YEAR, 56 * YEAR + 100 * 24 * 3600] {
        let wall = Wall::new();
        let (key, log) = hourly(&wall).await;
        pass(minutes(10)).await;
        wall.jump(-back);
        pass(minutes(36)).await; // three quarters of the hour are over
        assert_eq!(*key.current(), 2, "set back by {back} s");
        pass(3 * HOUR).await;
        assert!((5..=8).contains(&log.count()), "{}", log.count());
        assert!(!key.current().expired_at(wall.now()));
    }
}

#[tokio::test(start_paused = true)]
async fn clock_set_forward_costs_one_early_refresh() {
    for forward in [3600, 74 * YEAR, 500 * YEAR] {
        let wall = Wall::new();
        let (key, log) = hourly(&wall).await;
        pass(minutes(10)).await;
        wall.jump(forward);
        pass(secs(30)).await;
        assert_eq!(*key.current(), 2, "set forward by {forward} s");
        pass(minutes(30)).await;
        assert_eq!(log.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn clock_before_1970_uses_the_monotonic_clock() {
    let wall = Wall::new();
    wall.jump(-100 * YEAR);
    let (key, log) = hourly(&wall).await;
    pass(3 * HOUR).await;
    assert!((4..=6).contains(&log.count()), "{}", log.count());
    assert!(*key.current() >= 4);
}

#[tokio::test(start_paused = true)]
async fn jumping_clock_neither_spins_nor_stops() {
    let wall = Wall::new();
    let (key, log) = hourly(&wall).await;
    for jump in [3600, -3600, 74 * YEAR, -74 * YEAR, -60 * YEAR, 60 * YEAR].repeat(24) {
        wall.jump(jump);
        pass(minutes(10)).await;
    }
    assert!((24..=200).contains(&log.count()), "{}", log.count());
    assert!(log.gaps().iter().all(|gap| *gap >= secs(1)));
    assert_eq!(*key.current(), log.count());
}

#[tokio::test(start_paused = true)]
async fn fast_clock_rejects_dated_token_and_keeps_old_one() {
    let wall = Wall::new();
    let real = Wall::new();
    let (source, log) = script(move |asked| {
        let date = Expiry::At(real.now() + HOUR);
        Answer::fetched(Fetched::new(asked.number).expires(date))
    });
    let key = builder(&wall).start(source).await;
    let key = key.expect("the source delivers");
    pass(minutes(1)).await;
    wall.jump(74 * YEAR);
    pass(minutes(30)).await;
    assert_eq!(*key.current(), 1);
    assert_eq!(key.status().last_error, Some(SourceErrorKind::Expired));
    assert!(log.count() < 60, "{}", log.count());

    wall.jump(-74 * YEAR);
    pass(minutes(2)).await;
    assert_eq!(*key.current(), log.count());
    assert_eq!(key.status().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn dated_token_survives_first_clock_setting() {
    let wall = Wall::new();
    let real = Wall::new();
    wall.jump(-56 * YEAR); // 1970, at boot
    let (source, log) = script(move |asked| {
        let date = Expiry::At(real.now() + HOUR);
        Answer::fetched(Fetched::new(asked.number).expires(date))
    });
    let key = builder(&wall).start(source).await;
    let key = key.expect("the source delivers");
    pass(minutes(1)).await;
    wall.jump(56 * YEAR); // the clock is set
    pass(secs(30)).await;
    assert_eq!((*key.current(), log.count()), (2, 2));
    let expiry = key.current().expires_at().expect("it has a date");
    assert!(expiry > wall.now() && expiry <= wall.now() + HOUR);
}

#[tokio::test(start_paused = true)]
async fn clock_jump_during_fetch_is_survived() {
    for jump in [2 * 3600, -2 * 3600, 74 * YEAR, -100 * YEAR] {
        let wall = Wall::new();
        let (source, log) = script(|asked| Answer::lives(asked.number, HOUR).after(secs(2)));
        let key = builder(&wall).start(source).await;
        let key = key.expect("the source delivers");
        pass(minutes(1)).await;
        log.hint();
        pass(secs(1)).await;
        assert!(log.running());
        wall.jump(jump);
        pass(minutes(5)).await;
        assert!(*key.current() >= 2, "jump of {jump} s");
        assert_eq!(key.status().last_error, None);
        assert!(log.count() <= 4, "{}", log.count());
    }
}

#[tokio::test(start_paused = true)]
async fn first_value_wait_ignores_the_wall_clock() {
    let wall = Wall::new();
    let clock = wall.clone();
    let (source, log) = script(move |asked| match asked.number {
        1 => Answer::down(),
        2 => {
            clock.jump(56 * YEAR); // set for the first time since boot
            Answer::down()
        }
        n => Answer::value(n),
    });
    let key = builder(&wall).wait_for_first(minutes(1)).start(source);
    let key = key.await.expect("the minute is not over");
    assert_eq!((*key.current(), log.count()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn reported_times_are_wall_clock_times() {
    let wall = Wall::new();
    let began = SystemTime::UNIX_EPOCH + Wall::BEGAN;
    let (key, _) = hourly(&wall).await;
    assert_eq!(key.current().expires_at(), Some(began + HOUR));
    assert!(at_once(|| key.status().next_attempt.is_some()).await);
    let next = key.status().next_attempt.expect("it is scheduled");
    assert!(next > began + minutes(38) && next <= began + minutes(45));
    assert!(!key.current().expired_at(began + HOUR - secs(1)));
    assert!(key.current().expired_at(began + HOUR));
}

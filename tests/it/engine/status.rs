//! Tests of the status of a rotating value.

use std::time::SystemTime;

use tower_rotating_auth::{
    Rotating,
    rotating::RefreshState,
    source::{SourceError, SourceErrorKind},
};

use crate::support::{Answer, Wall, millis, minutes, moment, pass, script, secs};

#[tokio::test(start_paused = true)]
async fn status_reports_the_state_of_the_value() {
    let wall = Wall::new();
    let began = SystemTime::UNIX_EPOCH + Wall::BEGAN;
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::lives(1, minutes(60)).after(secs(2)),
        2 => Answer::down(),
        3 => Answer::fails(SourceError::throttled("busy", secs(100))),
        _ => Answer::lives(2, minutes(120)),
    });
    let key = Rotating::builder()
        .name("openai")
        .wall_clock(wall.reader())
        .start(source);
    let key = key.await.expect("the source delivers");

    let fresh = key.status();
    assert_eq!(&*fresh.name, "openai");
    assert_eq!(fresh.generation.get(), 1);
    assert_eq!(fresh.age, secs(2), "counted from when it was asked for");
    assert_eq!(fresh.expires_at, Some(began + minutes(60)));
    assert_eq!((fresh.last_error, fresh.failures), (None, 0));
    assert_eq!(
        (fresh.events_dropped, fresh.refresh_state),
        (0, RefreshState::Running)
    );
    let next = fresh.next_attempt.expect("it is scheduled");
    assert!(next > began + minutes(38) && next < began + minutes(46));

    pass(secs(60)).await;
    log.hint();
    moment().await;
    let failed = key.status();
    assert_eq!(failed.last_error, Some(SourceErrorKind::Transient));
    assert_eq!((failed.failures, failed.generation.get()), (1, 1));
    assert_eq!(failed.age, secs(62) + millis(1));
    let next = failed.next_attempt.expect("it is scheduled");
    assert!(next <= wall.now() + secs(1));

    pass(secs(1)).await;
    let throttled = key.status();
    assert_eq!(throttled.last_error, Some(SourceErrorKind::Throttled));
    assert_eq!(throttled.failures, 2);
    let next = throttled.next_attempt.expect("it is scheduled");
    assert!(next > wall.now() + secs(98) && next <= wall.now() + secs(100));

    pass(secs(100)).await;
    let back = key.status();
    assert_eq!(back.generation.get(), 2);
    assert_eq!((back.last_error, back.failures), (None, 0));
    assert!(back.age <= secs(1));
    assert!(back.expires_at > fresh.expires_at);
}

#[tokio::test(start_paused = true)]
async fn next_attempt_is_not_later_than_reported() {
    let wall = Wall::new();
    let (source, log) = script(|asked| match asked.number % 4 {
        0 => Answer::down(),
        n => Answer::lives(n, minutes(10)),
    });
    let key = Rotating::builder().wall_clock(wall.reader()).start(source);
    let key = key.await.expect("the source delivers");
    for _ in 0..50 {
        let next = key.status().next_attempt.expect("it is scheduled");
        let attempts = log.count();
        let left = next.duration_since(wall.now()).unwrap_or_default();
        pass(left + millis(2)).await;
        assert!(log.count() > attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn value_without_expiry_reports_none() {
    let (source, _) = script(|_| Answer::value(1));
    let key = Rotating::start(source).await.expect("the source delivers");
    assert_eq!(key.status().expires_at, None);
    assert_eq!(key.current().expires_at(), None);
    let far = SystemTime::UNIX_EPOCH + secs(u64::MAX >> 2);
    assert!(!key.current().expired_at(far));
    assert_eq!(&*key.status().name, "key");
}

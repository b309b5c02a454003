//! Tests of the first value, without which there is no start.

use std::error::Error;

use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::{StartError, StartErrorKind},
    source::{EnvSource, FetchReason, SourceError, SourceErrorKind, source_fn},
};

use crate::support::{Answer, block_on, millis, minutes, pass, script, secs};

fn kind(outcome: Result<Rotating<usize>, StartError>) -> SourceErrorKind {
    match outcome {
        Err(error) if error.kind() == StartErrorKind::Source => {
            error.source_error().expect("the source failed").kind()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn start_without_runtime_is_an_error() {
    let source = || source_fn(|| async { Ok::<_, SourceError>(Secret::from("sk-1")) });
    let outcome = block_on(Rotating::start(source()));
    assert!(matches!(outcome, Err(error) if error.kind() == StartErrorKind::NoRuntime));
    let outcome = block_on(Rotating::pair(source()));
    assert!(matches!(outcome, Err(error) if error.kind() == StartErrorKind::NoRuntime));
}

#[tokio::test(start_paused = true)]
async fn failing_source_fails_the_start_at_once() {
    let now = Instant::now();
    let (source, log) = script(|_| Answer::<usize>::fails(SourceError::permanent("no such user")));
    let error = Rotating::start(source).await.expect_err("no value");
    assert_eq!((log.count(), now.elapsed()), (1, millis(0)));
    assert!(log.gone());
    let cause = error.source().expect("it has a cause");
    assert_eq!(cause.to_string(), "no such user");
    assert_eq!(kind(Err(error)), SourceErrorKind::Permanent);
}

#[tokio::test(start_paused = true)]
async fn unusable_first_value_fails_the_start() {
    type Case = (fn() -> Answer<usize>, SourceErrorKind);
    let cases: [Case; 5] = [
        (Answer::unchanged, SourceErrorKind::Invalid),
        (|| Answer::lives(1, secs(0)), SourceErrorKind::Expired),
        (
            || Answer::lives(1, secs(1)).after(secs(2)),
            SourceErrorKind::Expired,
        ),
        (|| Answer::panics("boom"), SourceErrorKind::Panicked),
        (Answer::hangs, SourceErrorKind::TimedOut),
    ];
    for (answer, expected) in cases {
        let (source, _) = script(move |_| answer());
        assert_eq!(kind(Rotating::start(source).await), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn fetch_timeout_applies_to_the_start() {
    let now = Instant::now();
    let (source, _) = script(|_| Answer::hangs());
    let outcome = Rotating::builder().fetch_timeout(secs(3)).start(source);
    assert_eq!(kind(outcome.await), SourceErrorKind::TimedOut);
    assert_eq!(now.elapsed(), secs(3));
}

#[tokio::test(start_paused = true)]
async fn wait_for_first_retries_until_it_ends() {
    let (source, log) = script(|asked| match asked.number {
        4 => Answer::value(4),
        _ => Answer::fails(SourceError::permanent("not yet")),
    });
    let key = Rotating::builder().wait_for_first(minutes(1)).start(source);
    assert_eq!(*key.await.expect("it came within a minute").current(), 4);
    assert!(
        log.all()
            .iter()
            .all(|asked| asked.reason == FetchReason::Start)
    );

    let (source, log) = script(|_| Answer::down());
    let now = Instant::now();
    let outcome = Rotating::builder().wait_for_first(minutes(1)).start(source);
    assert_eq!(kind(outcome.await), SourceErrorKind::Transient);
    assert!((secs(59)..=secs(61)).contains(&now.elapsed()));
    assert!(log.gone());
}

#[tokio::test(start_paused = true)]
async fn start_attempts_keep_min_interval() {
    for wait in 1..40 {
        let (source, log) = script(|_| Answer::down());
        let wait = millis(100 * wait);
        let outcome = Rotating::builder().wait_for_first(wait).start(source);
        assert_eq!(kind(outcome.await), SourceErrorKind::Transient);
        let gaps = log.gaps();
        assert!(gaps.iter().all(|gap| *gap >= secs(1)), "{wait:?}: {gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn wait_for_first_ends_before_a_long_min_interval() {
    let (source, log) = script(|_| Answer::down());
    let now = Instant::now();
    let builder = Rotating::builder().min_interval(minutes(60));
    let outcome = builder.wait_for_first(secs(5)).start(source);
    assert_eq!(kind(outcome.await), SourceErrorKind::Transient);
    assert_eq!((now.elapsed(), log.count()), (secs(5), 1));
}

#[tokio::test(start_paused = true)]
async fn hint_ends_the_wait_for_the_first_value() {
    let (source, log) = script(|asked| match asked.number {
        n @ ..=8 => Answer::fails(SourceError::throttled(format!("{n}"), secs(200))),
        n => Answer::value(n),
    });
    let hints = log.clone();
    tokio::spawn(async move {
        while hints.count() < 9 {
            pass(secs(5)).await;
            hints.hint();
        }
    });
    let now = Instant::now();
    let key = Rotating::builder().wait_for_first(minutes(5)).start(source);
    assert_eq!(*key.await.expect("it came").current(), 9);
    assert!(now.elapsed() <= secs(60), "{:?}", now.elapsed());
    assert!(log.gaps().iter().all(|gap| *gap >= secs(1)));
}

#[tokio::test(start_paused = true)]
async fn second_attempt_keeps_min_interval() {
    let (source, log) = script(|asked| Answer::value(asked.number));
    let key = Rotating::start(source).await.expect("the source delivers");
    log.hint();
    key.refresh().await.expect("the source delivers");
    assert_eq!(log.gaps(), [secs(1)]);
}

#[tokio::test]
async fn start_error_prints_its_causes_in_one_line() {
    let source = EnvSource::new("TOWER_ROTATING_AUTH_UNSET");
    let error = Rotating::start(source).await.expect_err("it is not set");
    assert_eq!(error.kind(), StartErrorKind::Source);
    // As `fn main() -> Result<(), Box<dyn Error>>` prints it.
    let error: Box<dyn Error> = error.into();
    assert_eq!(
        format!("{error:?}"),
        "no first value from the source: TOWER_ROTATING_AUTH_UNSET is not set"
    );
}

//! Tests of closures and channels as sources.

use std::error::Error;
use std::io;

use tower_rotating_auth::{
    Rotating,
    rotating::RefreshErrorKind,
    source::{Source, SourceError, SourceErrorKind, channel, source_fn},
};

use crate::support::{millis, minutes, moment, pass, secs};

#[tokio::test(start_paused = true)]
async fn closure_is_called_for_each_fetch() {
    let mut calls = 0;
    let source = source_fn(move || {
        calls += 1;
        async move { Ok::<_, SourceError>(calls) }
    });
    let key = Rotating::builder().poll(secs(10)).start(source);
    let key = key.await.expect("the source delivers");
    assert_eq!(*key.current(), 1);
    pass(secs(12)).await;
    assert_eq!(*key.current(), 2);
    assert_eq!(*key.refresh().await.expect("the source delivers"), 3);
}

#[tokio::test(start_paused = true)]
async fn closure_may_fail_with_its_own_error() {
    struct Denied;
    impl From<Denied> for SourceError {
        fn from(_: Denied) -> Self {
            Self::permanent("denied").with_source(io::Error::other("403"))
        }
    }
    let source = source_fn(|| async { Err::<u32, _>(Denied) });
    match Rotating::start(source).await {
        Err(error) => {
            let error = error.source_error().expect("the source failed");
            assert_eq!(error.kind(), SourceErrorKind::Permanent);
            let cause = error.source().expect("it has a cause");
            assert_eq!(cause.to_string(), "403");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn closure_may_fail_with_a_boxed_error() {
    let source =
        source_fn(|| async { Err::<u32, Box<dyn Error + Send + Sync>>("connection reset".into()) });
    let error = Rotating::start(source).await.expect_err("no value");
    let error = error.source_error().expect("the source failed");
    assert_eq!(error.kind(), SourceErrorKind::Transient);
    let cause = error.source().expect("it has a cause");
    assert_eq!(cause.to_string(), "connection reset");
}

#[tokio::test(start_paused = true)]
async fn sent_value_is_published_at_once() {
    let (sender, source) = channel();
    sender.send("one");
    let key = Rotating::start(source).await.expect("a value was sent");
    let mut changes = key.subscribe();
    pass(secs(5)).await;
    sender.send("two");
    moment().await;
    let current = changes.changed().await.expect("the task runs");
    assert_eq!((*current, current.generation().get()), ("two", 2));
}

#[tokio::test(start_paused = true)]
async fn latest_of_fast_sends_wins() {
    let (sender, source) = channel();
    sender.send(0);
    let key = Rotating::start(source).await.expect("a value was sent");
    for value in 1..=500 {
        sender.send(value);
        pass(millis(10)).await;
    }
    pass(secs(1)).await;
    assert_eq!(*key.current(), 500);
    let generation = key.current().generation().get();
    assert!((2..=8).contains(&generation), "{generation}");
}

#[tokio::test(start_paused = true)]
async fn sending_an_equal_value_changes_nothing() {
    let (sender, source) = channel();
    sender.send(1);
    let key = Rotating::start(source).await.expect("a value was sent");
    pass(secs(5)).await;
    sender.send(1);
    pass(minutes(5)).await;
    assert_eq!(key.current().generation().get(), 1);
    let status = key.status();
    assert_eq!((status.last_error, status.failures), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn empty_channel_fails_the_start_unless_waited_for() {
    let (_sender, source) = channel::<u32>();
    let outcome = Rotating::start(source).await;
    let error = outcome.expect_err("nothing was sent");
    let kind = error.source_error().map(SourceError::kind);
    assert_eq!(kind, Some(SourceErrorKind::Transient));

    let (sender, source) = channel();
    tokio::spawn(async move {
        pass(secs(100)).await;
        sender.send(1);
    });
    let now = tokio::time::Instant::now();
    let key = Rotating::builder()
        .wait_for_first(minutes(10))
        .start(source);
    assert_eq!(*key.await.expect("it came").current(), 1);
    assert!(now.elapsed() <= secs(101));
}

#[tokio::test(start_paused = true)]
async fn next_send_replaces_a_rejected_key() {
    let (sender, source) = channel();
    sender.send(1);
    let key = Rotating::start(source).await.expect("a value was sent");
    pass(secs(5)).await;
    let waiting = tokio::spawn(key.refresh_newer_than(key.current().generation()));
    pass(secs(2)).await;
    sender.send(2);
    let newer = waiting.await.expect("no panic").expect("a value was sent");
    assert_eq!(*newer, 2);
}

#[tokio::test(start_paused = true)]
async fn dropped_sender_leaves_its_value() {
    let (sender, source) = channel();
    sender.send(1);
    let key = Rotating::start(source).await.expect("a value was sent");
    drop(sender);
    pass(minutes(10)).await;
    assert_eq!(*key.current(), 1);
    let outcome = key.refresh_newer_than(key.current().generation()).await;
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged));
    assert_eq!(key.status().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn invalid_sent_value_stays_an_error() {
    let (sender, source) = channel();
    sender.send(1);
    let source = source.validate(|value| match value {
        2 => Err(SourceError::invalid("two is not allowed")),
        _ => Ok(()),
    });
    let key = Rotating::start(source).await.expect("a value was sent");
    sender.send(2);
    pass(minutes(10)).await;
    let status = key.status();
    assert_eq!(
        (*key.current(), status.last_error),
        (1, Some(SourceErrorKind::Invalid))
    );
    assert!(status.failures > 1, "{status:?}");

    sender.send(3);
    pass(minutes(10)).await;
    assert_eq!((*key.current(), key.status().last_error), (3, None));
}

//! Tests of subscriptions, and of when replaced values are freed.

use std::sync::Arc;

use tokio::time::{Instant, timeout};
use tower_rotating_auth::Rotating;

use crate::support::{Answer, Upstream, block_on, millis, moment, pass, script, secs};

#[tokio::test(start_paused = true)]
async fn subscription_returns_each_change_only() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    let mut changes = key.subscribe();
    for number in 2..6 {
        upstream.rotate();
        pass(secs(2)).await;
        log.hint();
        let current = changes.changed().await.expect("the task runs");
        assert_eq!((*current, current.generation().get()), (number, number));
    }
    log.hint(); // nothing new
    assert!(timeout(secs(300), changes.changed()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn subscription_starts_after_the_current_value() {
    let (key, mut publisher) = Rotating::manual(1);
    publisher.publish(2);
    let mut changes = key.subscribe();
    assert!(timeout(secs(1), changes.changed()).await.is_err());
    publisher.publish(3);
    assert_eq!(*changes.changed().await.expect("there is one"), 3);
}

#[tokio::test(start_paused = true)]
async fn fast_changes_are_merged() {
    let (key, mut publisher) = Rotating::manual(0);
    let mut changes = key.subscribe();
    for value in 1..=100 {
        publisher.publish(value);
    }
    assert_eq!(*changes.changed().await.expect("there is one"), 100);
    assert!(timeout(secs(1), changes.changed()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn cancelled_wait_loses_no_change() {
    let (key, mut publisher) = Rotating::manual(0);
    let mut changes = key.subscribe();
    for value in 1..=10 {
        assert!(timeout(secs(1), changes.changed()).await.is_err());
        publisher.publish(value);
        assert_eq!(*changes.changed().await.expect("there is one"), value);
    }
}

#[tokio::test(start_paused = true)]
async fn changed_value_is_current_when_returned() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(20));
    let key = Rotating::start(source).await.expect("the source delivers");
    let mut changes = key.subscribe();
    pass(secs(2)).await;
    upstream.rotate();
    log.hint();
    let asked = Instant::now();
    let received = changes.changed().await.expect("the task runs");
    assert_eq!(asked.elapsed(), millis(20));
    assert_eq!(received.generation(), key.current().generation());
    assert_eq!(received.generation(), key.status().generation);
}

/// On real threads: one publishes as fast as it can, others subscribe.
#[test]
fn subscribers_see_growing_generations() {
    const LAST: u64 = 20_000;
    let (key, mut publisher) = Rotating::manual(1_u64);
    let listeners: Vec<_> = (0..4)
        .map(|_| {
            let mut changes = key.subscribe();
            std::thread::spawn(move || {
                let mut seen = 1;
                while let Some(current) = block_on(changes.changed()) {
                    assert_eq!(*current, current.generation().get());
                    assert!(*current > seen, "{} after {seen}", *current);
                    seen = *current;
                }
                seen
            })
        })
        .collect();
    for value in 2..=LAST {
        publisher.publish(value);
    }
    drop(publisher);
    for listener in listeners {
        assert_eq!(listener.join().expect("no panic"), LAST);
    }
}

#[tokio::test(start_paused = true)]
async fn unheld_value_is_freed_on_replacement() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let (source, log) = script(move |asked| Answer::value((asked.number, Arc::clone(&held))));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(2)).await;
    assert_eq!(key.current().0, 1);
    log.hint();
    pass(millis(100)).await;
    assert_eq!(key.current().0, 2);
    // One in the test, one in the script, one in the current value.
    assert_eq!(Arc::strong_count(&alive), 3);
}

#[tokio::test(start_paused = true)]
async fn held_value_is_freed_within_30_s_of_release() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let (source, log) = script(move |asked| {
        let lifetime = secs(24 * 3600);
        Answer::lives((asked.number, Arc::clone(&held)), lifetime)
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    let reader = key.current();
    pass(secs(2)).await;
    log.hint();
    moment().await;
    assert_eq!(key.current().0, 2);
    pass(secs(60)).await;
    assert_eq!(Arc::strong_count(&alive), 4);
    assert_eq!(reader.0, 1);
    drop(reader);
    pass(secs(31)).await;
    assert_eq!(log.count(), 2);
    assert_eq!(Arc::strong_count(&alive), 3);
}

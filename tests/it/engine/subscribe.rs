//! Word of changes.

use std::sync::Arc;

use tokio::time::{Instant, timeout};
use tower_rotating_auth::Rotating;

use crate::support::{Answer, Upstream, block_on, millis, moment, pass, script, secs};

#[tokio::test(start_paused = true)]
async fn each_change_is_told_and_nothing_else() {
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
async fn whoever_subscribes_is_told_of_what_comes_not_of_what_is() {
    let (key, mut publisher) = Rotating::manual(1);
    publisher.publish(2);
    let mut changes = key.subscribe();
    assert!(timeout(secs(1), changes.changed()).await.is_err());
    publisher.publish(3);
    assert_eq!(*changes.changed().await.expect("there is one"), 3);
}

#[tokio::test(start_paused = true)]
async fn changes_that_come_faster_than_they_are_taken_are_one() {
    let (key, mut publisher) = Rotating::manual(0);
    let mut changes = key.subscribe();
    for value in 1..=100 {
        publisher.publish(value);
    }
    assert_eq!(*changes.changed().await.expect("there is one"), 100);
    assert!(timeout(secs(1), changes.changed()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_loses_nothing() {
    let (key, mut publisher) = Rotating::manual(0);
    let mut changes = key.subscribe();
    for value in 1..=10 {
        assert!(timeout(secs(1), changes.changed()).await.is_err());
        publisher.publish(value);
        assert_eq!(*changes.changed().await.expect("there is one"), value);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_is_current_when_it_is_told() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(20));
    let key = Rotating::start(source).await.expect("the source delivers");
    let mut changes = key.subscribe();
    pass(secs(2)).await;
    upstream.rotate();
    log.hint();
    let asked = Instant::now();
    let told = changes.changed().await.expect("the task runs");
    assert_eq!(asked.elapsed(), millis(20));
    assert_eq!(told.generation(), key.current().generation());
    assert_eq!(told.generation(), key.status().generation);
}

/// Real threads: one publishes as fast as it can, others listen.
#[test]
fn listeners_on_other_threads_see_growing_generations_and_the_last_one() {
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
async fn a_value_that_nobody_holds_any_more_is_freed_as_soon_as_it_is_replaced() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let (source, log) = script(move |asked| Answer::value((asked.number, Arc::clone(&held))));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(2)).await;
    assert_eq!(key.current().0, 1);
    log.hint();
    pass(millis(100)).await;
    assert_eq!(key.current().0, 2);
    // The test's, the script's, and the one that is current.
    assert_eq!(Arc::strong_count(&alive), 3);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_a_reader_lets_go_of_later_is_freed_within_half_a_minute() {
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

//! Tests of values that are published manually.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, ThreadId};
use std::time::SystemTime;

use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    rotating::{EventKind, RefreshErrorKind, RefreshState},
};

use crate::support::{Wall, block_on, pass, secs};

#[test]
fn published_value_is_current_for_every_handle() {
    let (key, mut publisher) = Rotating::manual(1);
    let other = key.clone();
    let before = key.current();
    assert_eq!(publisher.publish(2).get(), 2);
    assert_eq!((*key.current(), *other.current()), (2, 2));
    assert_eq!((*before, before.generation().get()), (1, 1));
}

#[test]
fn generation_grows_only_with_new_content() {
    let (key, mut publisher) = Rotating::manual("a");
    let generations = ["a", "b", "b", "a", "a", "c"].map(|value| publisher.publish(value).get());
    assert_eq!(generations, [1, 2, 2, 3, 3, 4]);
    assert_eq!(key.current().generation().get(), 4);
}

#[test]
fn publisher_is_not_rate_limited() {
    let (key, mut publisher) = Rotating::manual(0);
    for value in 1..=10_000 {
        publisher.publish(value);
        assert_eq!(*key.current(), value);
    }
}

#[test]
fn manual_value_cannot_refresh_but_finds_newer_one() {
    let (key, mut publisher) = Rotating::manual(1);
    let old = key.current().generation();
    let outcome = block_on(key.refresh_newer_than(old));
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::Manual));
    let outcome = block_on(key.refresh());
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::Manual));
    publisher.publish(2);
    let newer = block_on(key.refresh_newer_than(old)).expect("it is there already");
    assert_eq!(*newer, 2);
}

#[test]
fn dropped_publisher_leaves_last_value_as_stopped() {
    let (key, mut publisher) = Rotating::manual(1);
    let mut changes = key.subscribe();
    assert_eq!(key.status().refresh_state, RefreshState::Manual);
    assert_eq!(key.status().next_attempt, None);
    publisher.publish(2);
    drop(publisher);
    assert_eq!(key.status().refresh_state, RefreshState::Stopped);
    assert_eq!(*key.current(), 2);
    let last = block_on(changes.changed()).expect("the last change is not lost");
    assert_eq!(*last, 2);
    assert!(block_on(changes.changed()).is_none());
}

#[test]
fn publisher_outlives_the_handles() {
    let (key, mut publisher) = Rotating::manual(1);
    drop(key);
    assert_eq!(publisher.publish(2).get(), 2);
}

/// A value that sends the id of the thread on which it is dropped.
struct Witness(Sender<ThreadId>);

impl PartialEq for Witness {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

#[test]
fn publisher_frees_values_that_readers_held() {
    let (sender, received) = channel();
    let (key, mut publisher) = Rotating::manual(Witness(sender.clone()));
    let reader = thread::spawn({
        let before = key.current();
        publisher.publish(Witness(sender.clone()));
        let key = key.clone();
        move || drop((before, key.current()))
    });
    reader.join().unwrap();
    assert!(received.try_recv().is_err(), "the reader frees nothing");
    publisher.publish(Witness(sender));
    // The first value, which the reader held, and the second, which nobody holds.
    let by: Vec<_> = received.try_iter().collect();
    assert_eq!(by, [thread::current().id(); 2]);
}

#[tokio::test(start_paused = true)]
async fn age_is_the_age_of_the_content() {
    let (key, mut publisher) = Rotating::manual(1);
    pass(secs(60)).await;
    publisher.publish(1);
    assert_eq!(key.status().age, secs(60));
    publisher.publish(2);
    assert_eq!(key.status().age, secs(0));
}

#[tokio::test(start_paused = true)]
async fn publish_event_uses_the_given_wall_clock() {
    let wall = Wall::new();
    let (sender, received) = channel();
    let (_key, mut publisher) = Rotating::builder()
        .wall_clock(wall.reader())
        .observer(move |event| {
            let _ = sender.send((event.at, event.kind.clone()));
        })
        .manual(1);
    let now = Instant::now();
    wall.jump(3600);
    let generation = publisher.publish(2);
    let (at, kind) = received.recv_timeout(secs(60)).expect("an event");
    assert_eq!(at, SystemTime::UNIX_EPOCH + Wall::BEGAN + secs(3600));
    let reason = None;
    assert_eq!(kind, EventKind::Rotated { generation, reason });
    assert_eq!(now.elapsed(), secs(0));
}

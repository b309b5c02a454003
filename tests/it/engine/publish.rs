//! Values that are published by hand.

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
fn what_is_published_is_current_for_every_handle_at_once_and_with_no_runtime() {
    let (key, mut publisher) = Rotating::manual(1);
    let other = key.clone();
    let before = key.current();
    assert_eq!(publisher.publish(2).get(), 2);
    assert_eq!((*key.current(), *other.current()), (2, 2));
    assert_eq!((*before, before.generation().get()), (1, 1));
}

#[test]
fn the_generation_moves_exactly_when_the_content_does() {
    let (key, mut publisher) = Rotating::manual("a");
    let generations = ["a", "b", "b", "a", "a", "c"].map(|value| publisher.publish(value).get());
    assert_eq!(generations, [1, 2, 2, 3, 3, 4]);
    assert_eq!(key.current().generation().get(), 4);
}

#[test]
fn nothing_holds_an_operator_back() {
    let (key, mut publisher) = Rotating::manual(0);
    for value in 1..=10_000 {
        publisher.publish(value);
        assert_eq!(*key.current(), value);
    }
}

#[test]
fn there_is_nothing_to_refresh_but_a_newer_value_is_found_all_the_same() {
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
fn a_publisher_that_is_gone_leaves_the_last_value_and_says_so() {
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
fn a_publisher_outlives_the_handles() {
    let (key, mut publisher) = Rotating::manual(1);
    drop(key);
    assert_eq!(publisher.publish(2).get(), 2);
}

/// Tells on which thread it is let go of.
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
fn a_value_that_a_reader_held_is_let_go_of_by_the_publisher() {
    let (tell, told) = channel();
    let (key, mut publisher) = Rotating::manual(Witness(tell.clone()));
    let reader = thread::spawn({
        let before = key.current();
        publisher.publish(Witness(tell.clone()));
        let key = key.clone();
        move || drop((before, key.current()))
    });
    reader.join().unwrap();
    assert!(told.try_recv().is_err(), "the reader frees nothing");
    publisher.publish(Witness(tell));
    // The first, which the reader had; and the second, which nobody holds any more.
    let by: Vec<_> = told.try_iter().collect();
    assert_eq!(by, [thread::current().id(); 2]);
}

#[tokio::test(start_paused = true)]
async fn the_age_is_that_of_the_content() {
    let (key, mut publisher) = Rotating::manual(1);
    pass(secs(60)).await;
    publisher.publish(1);
    assert_eq!(key.status().age, secs(60));
    publisher.publish(2);
    assert_eq!(key.status().age, secs(0));
}

#[tokio::test(start_paused = true)]
async fn what_is_published_by_hand_is_told_with_the_time_of_the_wall_clock_given() {
    let wall = Wall::new();
    let (tell, told) = channel();
    let (_key, mut publisher) = Rotating::builder()
        .wall_clock(wall.reader())
        .observer(move |event| {
            let _ = tell.send((event.at, event.kind.clone()));
        })
        .manual(1);
    let now = Instant::now();
    wall.jump(3600);
    let generation = publisher.publish(2);
    let (at, kind) = told.recv_timeout(secs(60)).expect("it is told");
    assert_eq!(at, SystemTime::UNIX_EPOCH + Wall::BEGAN + secs(3600));
    let reason = None;
    assert_eq!(kind, EventKind::Rotated { generation, reason });
    assert_eq!(now.elapsed(), secs(0));
}

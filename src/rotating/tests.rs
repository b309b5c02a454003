//! Tests of how long a replaced value is kept, and where it is freed.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::time::sleep;

use super::handle::Rotating;
use crate::source::{Fetch, Fetched, Source, SourceError};

type Freed = Arc<Mutex<Vec<(u32, ThreadId)>>>;

/// A value that records when it is freed, and on which thread.
struct Recorded(u32, Freed);

impl PartialEq for Recorded {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let mut freed = self.1.lock().unwrap();
        freed.push((self.0, thread::current().id()));
    }
}

/// A source that delivers 1, 2, 3 …
struct Counting(u32, Freed);

impl Source for Counting {
    type Value = Recorded;

    async fn fetch(&mut self, _: Fetch<'_, Recorded>) -> Result<Fetched<Recorded>, SourceError> {
        self.0 += 1;
        Ok(Fetched::new(Recorded(self.0, Arc::clone(&self.1))))
    }
}

fn freed_on(freed: &Freed) -> Vec<(u32, ThreadId)> {
    freed.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn replaced_value_is_freed_off_runtime() {
    let freed = Freed::default();
    let key = Rotating::start(Counting(0, Arc::clone(&freed)))
        .await
        .unwrap();
    let held = key.current();
    sleep(Duration::from_secs(1)).await;
    key.refresh().await.unwrap();
    assert!(freed_on(&freed).iter().all(|(number, _)| *number > 1));
    drop(held); // the reader drops it, which frees nothing yet
    assert!(freed_on(&freed).iter().all(|(number, _)| *number > 1));
    sleep(Duration::from_secs(31)).await;
    let (_, thread) = freed_on(&freed)
        .into_iter()
        .find(|(number, _)| *number == 1)
        .unwrap();
    assert_ne!(thread, thread::current().id());
}

#[test]
fn published_value_is_freed_by_the_next_publish() {
    let freed = Freed::default();
    let recorded = |number| Recorded(number, Arc::clone(&freed));
    let numbers = || freed_on(&freed).iter().map(|(n, _)| *n).collect::<Vec<_>>();
    let (key, mut publisher) = Rotating::manual(recorded(1));
    let held = key.current();
    publisher.publish(recorded(2));
    drop(held);
    assert!(numbers().is_empty());
    publisher.publish(recorded(3));
    assert_eq!(numbers(), [1, 2]);
}

//! A system that has no watch to give.

use std::time::Duration;

use tokio::time::Instant;
use tower_rotating_auth::{Rotating, source::FileSource};

use super::support::{Desk, assert_content, in_time, write};
use crate::support::Traced;
use crate::support::child::{again_as, in_child};

/// Runs again where no inotify instance can be had.
#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_watched_is_polled_with_one_warning() {
    if !in_child() {
        again_as(
            &["--user", "--map-root-user"],
            "echo 0 > /proc/sys/user/max_inotify_instances",
            "file_source::unwatched::a_file_that_cannot_be_watched_is_polled_with_one_warning",
        );
        return;
    }
    let traced = Traced::new();
    let desk = Desk::new("sk-0");
    let key = Rotating::start(FileSource::new(&desk.path)).await.unwrap();
    let mut changes = key.subscribe();
    for number in 1..=5 {
        let content = format!("sk-{number}");
        write(&desk.path, &content);
        let written = Instant::now();
        assert_content(&in_time(changes.changed()).await.unwrap(), &content);
        let waited = written.elapsed();
        assert!(waited < Duration::from_secs(11), "{waited:?}");
    }
    let text = traced.text();
    assert_eq!(text.matches("WARN").count(), 1, "{text}");
    assert!(text.contains("cannot be watched"), "{text}");
}

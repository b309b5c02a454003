//! A system without a free watch.

use std::time::Duration;

use tokio::time::Instant;
use tower_rotating_auth::{Rotating, source::FileSource};

use super::support::{Desk, assert_content, in_time, write};
use crate::support::Traced;
use crate::support::child::{again_as, in_child};

/// Runs again in a process that cannot create an inotify instance.
#[tokio::test(start_paused = true)]
async fn failed_watch_falls_back_to_polling() {
    if !in_child() {
        again_as(
            &["--user", "--map-root-user"],
            "echo 0 > /proc/sys/user/max_inotify_instances",
            "file_source::unwatched::failed_watch_falls_back_to_polling",
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
        assert!(waited < Duration::from_millis(1_200), "{waited:?}");
    }
    let text = traced.text();
    assert_eq!(text.matches("WARN").count(), 1, "{text}");
    assert!(text.contains("cannot watch"), "{text}");
}

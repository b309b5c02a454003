//! Files that are watched and looked at, by an engine that neither polls nor retries.
//!
//! The tests beside `src/source/file/` show what the watch reports by itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::Subscription,
    source::{FileSource, SourceErrorKind},
};

use super::support::{Desk, assert_content, in_time, write};

/// A poll interval that no test reaches.
pub(super) const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

pub(super) struct Watched {
    pub(super) key: Rotating<Secret>,
    changes: Subscription<Secret>,
}

impl Watched {
    pub(super) async fn start(path: &Path) -> Self {
        let source = FileSource::new(path).poll(NEVER);
        let builder = Rotating::builder().backoff(NEVER, NEVER);
        let key = builder.start(source).await.unwrap();
        let changes = key.subscribe();
        Self { key, changes }
    }

    pub(super) async fn becomes(&mut self, content: &str) {
        let current = in_time(self.changes.changed()).await.unwrap();
        assert_content(&current, content);
    }

    async fn fails(&self, class: SourceErrorKind) {
        until(|| self.key.status().last_error == Some(class)).await;
    }
}

/// Waits until the condition holds.
async fn until(is_so: impl Fn() -> bool) {
    in_time(async {
        while !is_so() {
            sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
}

/// Points the link `current` to a directory that holds the key in a subdirectory.
fn release(desk: &Desk, number: u32) {
    let keys = desk.at(&format!("releases/{number}/keys"));
    fs::create_dir_all(&keys).unwrap();
    write(&keys.join("openai"), &format!("sk-{number}"));
    symlink(format!("releases/{number}"), desk.at("next")).unwrap();
    fs::rename(desk.at("next"), desk.at("current")).unwrap();
}

#[tokio::test(start_paused = true)]
async fn directory_moved_away_and_back_is_seen() {
    let desk = Desk::empty();
    let [keys, aside] = ["keys", "aside"].map(|name| desk.at(name));
    fs::create_dir(&keys).unwrap();
    write(&keys.join("openai"), "sk-0");
    let mut key = Watched::start(&keys.join("openai")).await;
    for number in 1..=20 {
        fs::rename(&keys, &aside).unwrap();
        if number % 2 == 0 {
            key.fails(SourceErrorKind::Transient).await;
        }
        fs::rename(&aside, &keys).unwrap();
        if number % 2 == 0 {
            until(|| key.key.status().last_error.is_none()).await;
        }
        let content = format!("sk-{number}");
        write(&keys.join("openai"), &content);
        key.becomes(&content).await;
    }
}

/// Runs again in a process of its own, where no other test has a watch.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn stale_directories_are_unwatched() {
    use crate::support::child::{again_as, in_child};

    if !in_child() {
        again_as(
            &["--user", "--map-root-user"],
            "true",
            "file_source::watch::stale_directories_are_unwatched",
        );
        return;
    }
    let desk = Desk::empty();
    release(&desk, 0);
    let mut key = Watched::start(&desk.at("current/keys/openai")).await;
    for number in 1..=10 {
        release(&desk, number);
        key.becomes(&format!("sk-{number}")).await;
    }
    // The directory of the link, and the one of the file.
    until(|| watches() == 2).await;
}

/// The inotify watches of this process.
#[cfg(target_os = "linux")]
fn watches() -> usize {
    let descriptors = fs::read_dir("/proc/self/fdinfo").unwrap();
    let watches = descriptors.map(|descriptor| {
        // The descriptor that lists them is gone when it is looked at.
        let info = fs::read_to_string(descriptor.unwrap().path()).unwrap_or_default();
        info.lines()
            .filter(|line| line.starts_with("inotify wd:"))
            .count()
    });
    watches.sum()
}

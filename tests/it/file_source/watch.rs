//! Files that are watched and looked at, by an engine that neither polls nor retries.
//!
//! The tests beside `src/source/file/` show what the watch reports by itself.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::Subscription,
    source::{FileSource, SourceErrorKind},
};

use super::support::{KeyFolder, assert_content, in_time, write};
use crate::support::Traced;
use crate::support::child::{again_as, in_child};

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
#[cfg(target_os = "linux")]
fn release(folder: &KeyFolder, number: u32) {
    use std::os::unix::fs::symlink;

    let keys = folder.at(&format!("releases/{number}/keys"));
    fs::create_dir_all(&keys).unwrap();
    write(&keys.join("openai"), &format!("sk-{number}"));
    symlink(format!("releases/{number}"), folder.at("next")).unwrap();
    fs::rename(folder.at("next"), folder.at("current")).unwrap();
}

#[tokio::test(start_paused = true)]
async fn directory_moved_away_and_back_is_seen() {
    let folder = KeyFolder::empty();
    let [keys, aside] = ["keys", "aside"].map(|name| folder.at(name));
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

/// No watched folder changes, so only a look finds this.
#[tokio::test(start_paused = true)]
async fn folder_renamed_further_above_is_seen() {
    let folder = KeyFolder::empty();
    let [live, next, old] = ["live", "next", "old"].map(|name| folder.at(name));
    let make = |root: &Path, content: &str| {
        fs::create_dir_all(root.join("keys")).unwrap();
        write(&root.join("keys/openai"), content);
    };
    make(&live, "sk-0");
    let mut key = Watched::start(&live.join("keys/openai")).await;
    for number in 1..=5 {
        let content = format!("sk-{number}");
        make(&next, &content);
        fs::rename(&live, &old).unwrap();
        fs::rename(&next, &live).unwrap();
        let renamed = Instant::now();
        key.becomes(&content).await;
        let waited = renamed.elapsed();
        assert!(waited <= Duration::from_millis(1_100), "{waited:?}");
        fs::remove_dir_all(&old).unwrap();
        write(&live.join("keys/openai"), "sk-again");
        key.becomes("sk-again").await;
    }
}

/// Runs again in a namespace that may mount. A mount causes no event: the next look finds it, and
/// watches it.
#[tokio::test(start_paused = true)]
async fn mounted_volume_is_watched_once_found() {
    if !in_child() {
        again_as(
            &["--user", "--map-root-user", "--mount"],
            "true",
            "file_source::watch::mounted_volume_is_watched_once_found",
        );
        return;
    }
    let folder = KeyFolder::empty();
    let path = folder.at("keys/openai");
    fs::create_dir(folder.at("keys")).unwrap();
    write(&path, "sk-0");
    let mut key = Watched::start(&path).await;

    let mut mount = Command::new("mount");
    let mount = mount.args(["-t", "tmpfs", "none"]).arg(folder.at("keys"));
    assert!(mount.status().unwrap().success());
    write(&path, "sk-1");
    key.becomes("sk-1").await;
    write(&path, "sk-2");
    key.becomes("sk-2").await;

    let unmounted = Command::new("umount").arg(folder.at("keys")).status();
    assert!(
        unmounted.unwrap().success(),
        "the directory cannot be removed"
    );
}

/// Runs again in a process that cannot create an inotify instance.
#[tokio::test(start_paused = true)]
async fn failed_watch_falls_back_to_polling() {
    if !in_child() {
        again_as(
            &["--user", "--map-root-user"],
            "echo 0 > /proc/sys/user/max_inotify_instances",
            "file_source::watch::failed_watch_falls_back_to_polling",
        );
        return;
    }
    let traced = Traced::new();
    let folder = KeyFolder::new("sk-0");
    let key = Rotating::start(FileSource::new(&folder.path))
        .await
        .unwrap();
    let mut changes = key.subscribe();
    for number in 1..=5 {
        let content = format!("sk-{number}");
        write(&folder.path, &content);
        let written = Instant::now();
        assert_content(&in_time(changes.changed()).await.unwrap(), &content);
        let waited = written.elapsed();
        assert!(waited < Duration::from_millis(1_200), "{waited:?}");
    }
    let text = traced.text();
    assert_eq!(text.matches("WARN").count(), 1, "{text}");
    assert!(text.contains("cannot watch"), "{text}");
}

/// Runs again in a process of its own, where no other test has a watch.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn stale_directories_are_unwatched() {
    if !in_child() {
        again_as(
            &["--user", "--map-root-user"],
            "true",
            "file_source::watch::stale_directories_are_unwatched",
        );
        return;
    }
    let folder = KeyFolder::empty();
    release(&folder, 0);
    let mut key = Watched::start(&folder.at("current/keys/openai")).await;
    for number in 1..=10 {
        release(&folder, number);
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

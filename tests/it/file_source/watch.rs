//! Changes that only the watch reports: there is neither a poll nor a retry.

use std::fs;
use std::future::pending;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::Subscription,
    source::{Fetch, Fetched, FileSource, RefreshInterval, Source, SourceError, SourceErrorKind},
};

use super::support::{Desk, assert_content, in_time, replace, write};
use super::volume::Volume;

/// A poll interval that no test reaches: only the watch can report a change.
pub(super) const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

pub(super) struct Watched {
    pub(super) key: Rotating<Secret>,
    changes: Subscription<Secret>,
}

impl Watched {
    pub(super) async fn start(path: &Path) -> Self {
        Self::of(FileSource::new(path).poll(NEVER)).await
    }

    async fn of(source: impl Source<Value = Secret>) -> Self {
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

#[tokio::test(start_paused = true)]
async fn hundred_volume_swaps_are_all_seen() {
    let desk = Desk::empty();
    let mut volume = Volume::new(desk.at("volume"), "sk-0");
    symlink(desk.at("volume/openai"), desk.at("file")).unwrap();
    symlink("volume", desk.at("directory")).unwrap();
    let mut watched = Vec::new();
    for path in [
        "volume/openai",
        "volume/..data/openai",
        "file",
        "directory/openai",
    ] {
        watched.push(Watched::start(&desk.at(path)).await);
    }
    for number in 1..=100 {
        let content = format!("sk-{number}");
        volume.swap(&content);
        for key in &mut watched {
            key.becomes(&content).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn swapped_ancestor_link_is_seen() {
    let desk = Desk::empty();
    release(&desk, 0);
    let mut key = Watched::start(&desk.at("current/keys/openai")).await;
    for number in 1..=20 {
        release(&desk, number);
        key.becomes(&format!("sk-{number}")).await;
    }
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
async fn write_in_place_is_seen() {
    rotate(write).await;
}

#[tokio::test(start_paused = true)]
async fn rename_over_the_file_is_seen() {
    rotate(replace).await;
}

#[tokio::test(start_paused = true)]
async fn unlink_and_create_is_seen() {
    rotate(|path, content| {
        fs::remove_file(path).unwrap();
        write(path, content);
    })
    .await;
}

async fn rotate(writer: impl Fn(&Path, &str)) {
    let desk = Desk::new("sk-0");
    let mut key = Watched::start(&desk.path).await;
    for number in 1..=20 {
        let content = format!("sk-{number}");
        writer(&desk.path, &content);
        key.becomes(&content).await;
    }
}

#[tokio::test(start_paused = true)]
async fn recreated_directory_is_seen() {
    let desk = Desk::empty();
    let make = |content: &str| {
        fs::create_dir_all(desk.at("keys/of")).unwrap();
        write(&desk.at("keys/of/openai"), content);
    };
    make("sk-0");
    let mut key = Watched::start(&desk.at("keys/of/openai")).await;
    for number in 1..=20 {
        fs::remove_dir_all(desk.at("keys")).unwrap();
        if number % 2 == 0 {
            key.fails(SourceErrorKind::Transient).await;
        }
        let content = format!("sk-{number}");
        make(&content);
        key.becomes(&content).await;
        write(&desk.at("keys/of/openai"), "sk-again");
        key.becomes("sk-again").await;
    }
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

#[tokio::test(start_paused = true)]
async fn replaced_directory_is_seen() {
    let desk = Desk::empty();
    let keys = desk.at("keys");
    fs::create_dir(&keys).unwrap();
    write(&keys.join("openai"), "sk-0");
    let mut key = Watched::start(&keys.join("openai")).await;
    for number in 1..=20 {
        let content = format!("sk-{number}");
        fs::create_dir(desk.at("next")).unwrap();
        write(&desk.at("next/openai"), &content);
        fs::rename(&keys, desk.at(&format!("old-{number}"))).unwrap();
        fs::rename(desk.at("next"), &keys).unwrap();
        key.becomes(&content).await;
        replace(&keys.join("openai"), "sk-again");
        key.becomes("sk-again").await;
    }
}

#[tokio::test(start_paused = true)]
async fn relative_path_is_watched() {
    let desk = Desk::new("sk-0");
    let up = std::env::current_dir().unwrap().components().count() - 1;
    let root: PathBuf = std::iter::repeat_n("..", up).collect();
    let path = root.join(desk.path.strip_prefix("/").unwrap());
    let mut key = Watched::start(&path).await;
    write(&desk.path, "sk-1");
    key.becomes("sk-1").await;
}

/// Polls `changed` for a millisecond at a time, and drops it.
struct Impatient {
    source: FileSource,
    patience: u32,
}

impl Impatient {
    fn new(source: FileSource) -> Self {
        let patience = 0;
        Self { source, patience }
    }
}

impl Source for Impatient {
    type Value = Secret;

    async fn fetch(&mut self, ask: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        self.patience = 300_000;
        self.source.fetch(ask).await
    }

    async fn changed(&mut self) {
        while self.patience > 0 {
            self.patience -= 1;
            let heard = timeout(Duration::from_millis(1), self.source.changed());
            if heard.await.is_ok() {
                return;
            }
        }
        pending::<()>().await;
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_changed_future_loses_no_change() {
    let desk = Desk::new("sk-0");
    let mut key = Watched::of(Impatient::new(FileSource::new(&desk.path).poll(NEVER))).await;
    for number in 1..=20 {
        let content = format!("sk-{number}");
        write(&desk.path, &content);
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
    assert_eq!(watches(), 2);
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

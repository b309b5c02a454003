//! A Kubernetes volume, whose swap is accepted at once.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tower_rotating_auth::{Rotating, source::FileSource};

use super::support::{KeyFolder, assert_content, in_time, write};

/// A volume as Kubernetes mounts it: `openai -> ..data/openai`, `..data -> ..VERSION`.
pub(super) struct Volume {
    root: PathBuf,
    version: u32,
}

impl Volume {
    pub(super) fn new(root: PathBuf, content: &str) -> Self {
        fs::create_dir(&root).unwrap();
        symlink("..data/openai", root.join("openai")).unwrap();
        let mut volume = Self { root, version: 0 };
        volume.swap(content);
        volume
    }

    /// Swaps the volume as the kubelet does: it creates a directory, renames a link to it over the
    /// old link, and removes the old directory.
    pub(super) fn swap(&mut self, content: &str) {
        let old = self.root.join(format!("..{}", self.version));
        self.version += 1;
        let new = format!("..{}", self.version);
        fs::create_dir(self.root.join(&new)).unwrap();
        write(&self.root.join(&new).join("openai"), content);
        symlink(&new, self.root.join("..data_tmp")).unwrap();
        fs::rename(self.root.join("..data_tmp"), self.root.join("..data")).unwrap();
        if old.exists() {
            fs::remove_dir_all(old).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn swapped_volume_is_accepted_at_once() {
    let folder = KeyFolder::empty();
    let mut volume = Volume::new(folder.at("volume"), "sk-0");
    let source = FileSource::new(folder.at("volume/openai")).without_watch();
    let key = Rotating::start(source).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    volume.swap("sk-1");
    let swapped = Instant::now();
    assert_content(&in_time(key.refresh()).await.unwrap(), "sk-1");
    assert_eq!(swapped.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn swap_to_empty_file_waits_for_content() {
    let folder = KeyFolder::empty();
    let mut volume = Volume::new(folder.at("volume"), "sk-0");
    let path = folder.at("volume/openai");
    let source = FileSource::new(&path).without_watch();
    let key = Rotating::start(source).await.unwrap();
    volume.swap("");
    let (refreshed, ()) = tokio::join!(in_time(key.refresh()), async {
        sleep(Duration::from_millis(220)).await;
        write(&path, "sk-1");
    });
    assert_content(&refreshed.unwrap(), "sk-1");
}

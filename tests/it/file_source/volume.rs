//! A Kubernetes volume, whose swap is accepted at once.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tower_rotating_auth::{Rotating, source::FileSource};

use super::kubernetes::Volume;
use super::support::{KeyFolder, assert_content, in_time, write};

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

//! Writers of the file itself, and of links to it.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::key_folder::{KeyFolder, replace, write};
use super::support::Followed;
use super::volume::Volume;
use crate::source::Source as _;
use crate::source::file::FileSource;

async fn rotate(writer: impl Fn(&Path, &str)) {
    rotate_times(20, writer).await;
}

async fn rotate_times(times: u32, writer: impl Fn(&Path, &str)) {
    let folder = KeyFolder::new("sk-0");
    let mut key = Followed::start(&folder.path).await;
    for number in 1..=times {
        let content = format!("sk-{number}");
        writer(&folder.path, &content);
        key.becomes(&content).await;
    }
}

#[tokio::test]
async fn write_in_place_is_seen() {
    rotate(write).await;
}

#[tokio::test]
async fn rename_over_the_file_is_seen() {
    rotate(replace).await;
}

#[tokio::test]
async fn unlink_and_create_is_seen() {
    rotate(|path, content| {
        fs::remove_file(path).unwrap();
        write(path, content);
    })
    .await;
}

/// A new name says that somebody may go on to write, which nobody does here.
#[tokio::test]
async fn hard_link_to_the_name_is_seen() {
    rotate_times(2, |path, content| {
        let next = path.with_extension("next");
        write(&next, content);
        fs::remove_file(path).unwrap();
        fs::hard_link(&next, path).unwrap();
        fs::remove_file(next).unwrap();
    })
    .await;
}

#[tokio::test]
async fn link_in_place_of_the_file_is_seen() {
    rotate(|path, content| {
        let target = path.with_extension(content);
        write(&target, content);
        fs::remove_file(path).unwrap();
        symlink(target, path).unwrap();
    })
    .await;
}

#[tokio::test]
async fn key_set_is_seen_as_well() {
    let folder = KeyFolder::new("one-client-key");
    let source = FileSource::new(&folder.path);
    let mut keys = Followed::unstarted(source).for_key_set();
    keys.fetch().await.unwrap();
    for number in 1..=10 {
        let content = format!("client-key-{number}");
        let writer = if number % 2 == 0 { write } else { replace };
        writer(&folder.path, &content);
        keys.becomes(&content).await;
    }
}

/// Nobody closes the file, so the content settles as if nothing was known of its writer.
#[tokio::test]
async fn file_that_stays_open_is_seen() {
    let folder = KeyFolder::new("sk-0");
    let mut key = Followed::start(&folder.path).await;
    let mut file = File::options().write(true).open(&folder.path).unwrap();
    for number in 1..=2 {
        let content = format!("sk-{number}");
        file.rewind().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        key.becomes(&content).await;
    }
}

/// A fetch in the middle of a write, for whatever reason, waits for the writer.
#[tokio::test]
async fn fetch_waits_until_the_file_is_closed() {
    let folder = KeyFolder::new("sk-0");
    let mut key = Followed::start(&folder.path).await;
    let mut file = File::options().write(true).open(&folder.path).unwrap();
    file.write_all(b"sk-n").unwrap();
    key.hint().await;
    let (fetched, ()) = tokio::join!(key.fetch(), async {
        // The fetch reads half of the key, twice.
        let settled = Instant::now() + Duration::from_millis(150);
        tokio::time::sleep_until(settled).await;
        file.write_all(b"ew").unwrap();
        drop(file);
    });
    assert_eq!(fetched.unwrap().as_deref(), Some("sk-new"));
}

#[tokio::test]
async fn volume_swaps_are_all_seen() {
    let folder = KeyFolder::empty();
    let mut volume = Volume::new(folder.at("volume"), "sk-0");
    symlink(folder.at("volume/openai"), folder.at("file")).unwrap();
    symlink("volume", folder.at("directory")).unwrap();
    let mut watched = Vec::new();
    for path in [
        "volume/openai",
        "volume/..data/openai",
        "file",
        "directory/openai",
    ] {
        watched.push(Followed::start(&folder.at(path)).await);
    }
    for number in 1..=100 {
        let content = format!("sk-{number}");
        volume.swap(&content);
        for key in &mut watched {
            key.becomes(&content).await;
        }
    }
}

#[tokio::test]
async fn dropped_changed_future_loses_no_change() {
    let folder = KeyFolder::new("sk-0");
    let mut key = Followed::start(&folder.path).await;
    for number in 1..=20 {
        let content = format!("sk-{number}");
        write(&folder.path, &content);
        let hinted = async {
            while timeout(Duration::from_millis(1), key.source.changed())
                .await
                .is_err()
            {}
        };
        timeout(Duration::from_secs(60), hinted).await.unwrap();
        assert_eq!(key.fetch().await.unwrap(), Some(content));
    }
}

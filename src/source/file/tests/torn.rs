//! Writers that pause between the pieces of a key. Only complete keys are published.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::key_folder::KeyFolder;
use super::slow_writer::{Way, key, write_slowly};
use super::support::Followed;

/// Each pause is longer than the time after which content counts as settled if nothing is known.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(120)];

fn writer(path: PathBuf, way: Way, pause: Duration, content: String) -> JoinHandle<()> {
    thread::spawn(move || write_slowly(&path, way, pause, &content))
}

async fn rotate(way: Way) {
    for pause in PAUSES {
        let folder = KeyFolder::new(key(0));
        let mut followed = Followed::start(&folder.path).await;
        for number in 1..=2 {
            let writing = writer(folder.path.clone(), way, pause, key(number));
            followed.becomes(&key(number)).await;
            writing.join().unwrap();
        }
    }
}

#[tokio::test]
async fn slow_truncating_writer_shows_no_partial_key() {
    rotate(Way::Truncate).await;
}

#[tokio::test]
async fn slow_overwriting_writer_shows_no_partial_key() {
    rotate(Way::Overwrite).await;
}

#[tokio::test]
async fn slow_creating_writer_shows_no_partial_key() {
    rotate(Way::UnlinkAndCreate).await;
}

/// The events of a writer arrive while its file is being read.
#[tokio::test]
async fn hasty_writer_shows_no_partial_key() {
    const ROTATIONS: usize = 300;
    let folder = KeyFolder::new(key(0));
    let mut followed = Followed::start(&folder.path).await;
    let path = folder.path.clone();
    let writing = thread::spawn(move || {
        for number in 1..=ROTATIONS {
            thread::sleep(Duration::from_millis(3));
            write_slowly(&path, Way::Truncate, Duration::ZERO, &key(number));
        }
    });
    loop {
        followed.hint().await;
        let Ok(Some(found)) = followed.fetch().await else {
            continue;
        };
        assert_eq!(found, key(found.len() - 10), "a partial key");
        if found == key(ROTATIONS) {
            break;
        }
    }
    writing.join().unwrap();
}

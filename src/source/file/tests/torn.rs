//! Writers that pause between the pieces of a key. Only complete keys are published.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::support::{Followed, KeyFolder};

/// Each pause is longer than the time after which content counts as settled if nothing is known.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(120)];

#[derive(Clone, Copy, Debug)]
enum Way {
    Truncate,
    Overwrite,
    UnlinkAndCreate,
}

/// A key that differs from the next one in every byte, and is one byte shorter.
fn key(number: usize) -> String {
    let letter = if number % 2 == 0 { "e" } else { "o" };
    letter.repeat(number + 10)
}

fn write_slowly(path: &Path, way: Way, pause: Duration, content: &str) {
    let mut options = OpenOptions::new();
    match way {
        Way::Truncate => options.truncate(true),
        Way::Overwrite => &mut options,
        Way::UnlinkAndCreate => {
            fs::remove_file(path).unwrap();
            std::os::unix::fs::OpenOptionsExt::mode(options.create_new(true), 0o600)
        }
    };
    let mut file = options.write(true).open(path).unwrap();
    for piece in content.as_bytes().chunks(5) {
        thread::sleep(pause);
        file.write_all(piece).unwrap();
    }
    thread::sleep(pause);
}

fn writer(path: PathBuf, way: Way, pause: Duration, content: String) -> JoinHandle<()> {
    thread::spawn(move || write_slowly(&path, way, pause, &content))
}

async fn rotate(way: Way) {
    for pause in PAUSES {
        let folder = KeyFolder::new(&key(0));
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
    let folder = KeyFolder::new(&key(0));
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

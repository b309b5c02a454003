//! Writers that are caught halfway. Only complete content is published.
//!
//! Time is virtual, which a watch does not keep to, so these files are polled. The tests beside
//! `src/source/file/` watch such writers.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use tower_rotating_auth::{
    Rotating,
    source::{FileSource, Source as _},
};

use super::support::{KeyFolder, assert_content, create, in_time, write};

const ROTATIONS: usize = 40;
/// Shorter than the time for which content must stay the same to be accepted.
const PAUSE: Duration = Duration::from_millis(40);

/// A key that differs from the next one in every byte, and is one byte shorter.
fn key(number: usize) -> String {
    let letter = if number % 2 == 0 { "e" } else { "o" };
    letter.repeat(number + 10)
}

/// Rotates a key with a writer, and refreshes all the time.
async fn rotate(source: impl Fn(&Path) -> FileSource, write_key: impl AsyncFn(&Path, &str)) {
    let folder = KeyFolder::new(key(0));
    let fetched = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&fetched);
    let source = source(&folder.path).validate(move |secret| {
        all.lock().unwrap().push(secret.expose_secret().to_vec());
        Ok(())
    });
    let rotating = Rotating::builder()
        .poll(Duration::from_millis(7))
        .min_interval(Duration::from_millis(1))
        .start(source)
        .await
        .unwrap();
    let mut changes = rotating.subscribe();
    for number in 1..=ROTATIONS {
        write_key(&folder.path, &key(number)).await;
        assert_content(&in_time(changes.changed()).await.unwrap(), key(number));
    }
    let complete: Vec<_> = (0..=ROTATIONS)
        .map(|number| key(number).into_bytes())
        .collect();
    assert_eq!(*fetched.lock().unwrap(), complete);
}

fn polled(path: &Path) -> FileSource {
    FileSource::new(path).without_watch()
}

async fn truncate_and_write(path: &Path, key: &str) {
    sleep(PAUSE).await;
    let mut file = create(path);
    for piece in key.as_bytes().chunks(9) {
        sleep(PAUSE).await;
        file.write_all(piece).unwrap();
    }
}

async fn overwrite(path: &Path, key: &str) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    for piece in key.as_bytes().chunks(9) {
        file.write_all(piece).unwrap();
        sleep(PAUSE).await;
    }
}

async fn unlink_and_create(path: &Path, key: &str) {
    fs::remove_file(path).unwrap();
    sleep(PAUSE).await;
    truncate_and_write(path, key).await;
}

#[tokio::test(start_paused = true)]
async fn truncate_and_write_publishes_no_partial_key() {
    rotate(polled, truncate_and_write).await;
}

#[tokio::test(start_paused = true)]
async fn overwrite_publishes_no_partial_key() {
    rotate(polled, overwrite).await;
}

#[tokio::test(start_paused = true)]
async fn unlink_and_create_publishes_no_partial_key() {
    rotate(polled, unlink_and_create).await;
}

#[tokio::test(start_paused = true)]
async fn partial_file_at_start_is_waited_for() {
    let folder = KeyFolder::new("");
    let written = key(8);
    let (started, ()) = tokio::join!(
        Rotating::start(FileSource::new(&folder.path)),
        truncate_and_write(&folder.path, &written)
    );
    assert_content(&started.unwrap().current(), written);
}

#[tokio::test(start_paused = true)]
async fn file_that_never_settles_is_an_error() {
    let folder = KeyFolder::new("sk-1");
    let source = FileSource::new(&folder.path).without_watch();
    let rotating = Rotating::start(source).await.unwrap();
    let refreshing = rotating.refresh();
    let outcome = tokio::select! {
        outcome = refreshing => outcome,
        () = async {
            for number in 2.. {
                write(&folder.path, &key(number));
                sleep(PAUSE).await;
            }
        } => unreachable!(),
    };
    let error = outcome.expect_err("it never settles");
    let text = format!(
        "{:?}",
        std::error::Error::source(&error).map(ToString::to_string)
    );
    assert!(text.contains("kept changing"), "{text}");
    assert_content(&rotating.current(), "sk-1");
}

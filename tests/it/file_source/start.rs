//! A file that does not exist when the process starts.

use std::fs;
use std::time::Duration;

use tokio::time::sleep;
use tower_rotating_auth::{
    Rotating,
    source::{FileSource, SourceErrorKind},
};

use super::support::{KeyFolder, assert_content, write};
use crate::support::start_kind;

#[tokio::test(start_paused = true)]
async fn missing_file_fails_the_start() {
    let folder = KeyFolder::empty();
    match Rotating::start(FileSource::new(&folder.path)).await {
        Err(error) => assert_eq!(start_kind(&error), Some(SourceErrorKind::Transient)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn file_missing_for_a_moment_starts() {
    let folder = KeyFolder::empty();
    let source = FileSource::new(&folder.path).without_watch();
    let (key, ()) = tokio::join!(Rotating::start(source), async {
        sleep(Duration::from_millis(100)).await;
        write(&folder.path, "sk-1");
    });
    assert_content(&key.unwrap().current(), "sk-1");
}

#[tokio::test(start_paused = true)]
async fn late_file_is_polled_for() {
    let folder = KeyFolder::empty();
    let path = folder.at("keys/openai");
    let builder = Rotating::builder().wait_for_first(Duration::from_secs(60));
    let (key, ()) = tokio::join!(builder.start(FileSource::new(&path)), async {
        sleep(Duration::from_secs(20)).await;
        fs::create_dir(folder.at("keys")).unwrap();
        write(&path, "sk-1");
    });
    assert_content(&key.unwrap().current(), "sk-1");
}

#[cfg(all(unix, not(portable_only)))]
#[tokio::test(start_paused = true)]
async fn late_file_is_seen_by_the_watch() {
    use super::support::in_time;
    use super::watch::NEVER;

    let folder = KeyFolder::empty();
    let path = folder.at("some/where/openai");
    let builder = Rotating::builder()
        .wait_for_first(NEVER)
        .backoff(NEVER, NEVER);
    let source = FileSource::new(&path).poll(NEVER);
    let started = in_time(async {
        tokio::join!(builder.start(source), async {
            sleep(Duration::from_secs(20)).await;
            fs::create_dir_all(folder.at("some/where")).unwrap();
            write(&path, "sk-1");
        })
    });
    assert_content(&started.await.0.unwrap().current(), "sk-1");
}

//! Which bytes of the file are the key, and when it has changed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};
use tower_rotating_auth::{
    Rotating, Secret,
    source::{Fetch, Fetched, FileSource, RefreshInterval, Source, SourceError, SourceErrorKind},
};

use super::support::{KeyFolder, assert_content, failure, in_time, replace, write};
use crate::support::source_kind;

#[tokio::test(start_paused = true)]
async fn white_space_and_bom_are_trimmed() {
    let folder = KeyFolder::new("\u{feff} \t sk-1 \r\n\n");
    let key = Rotating::start(FileSource::new(&folder.path))
        .await
        .unwrap();
    assert_content(&key.current(), "sk-1");
}

#[tokio::test(start_paused = true)]
async fn inner_bytes_are_kept() {
    let folder = KeyFolder::new(b"\xFF\x00 two\nlines\x0B");
    let key = Rotating::start(FileSource::new(&folder.path))
        .await
        .unwrap();
    assert_eq!(key.current().expose_secret(), b"\xFF\x00 two\nlines\x0B");
}

#[tokio::test(start_paused = true)]
async fn same_key_in_a_new_file_is_no_rotation() {
    let folder = KeyFolder::new("sk-1");
    let key = Rotating::start(FileSource::new(&folder.path))
        .await
        .unwrap();
    replace(&folder.path, "sk-1\n");
    let current = in_time(key.refresh()).await.unwrap();
    assert_eq!(current.generation().get(), 1);
}

#[tokio::test(start_paused = true)]
async fn unchanged_file_is_read_once() {
    let folder = KeyFolder::new("sk-1");
    let source = FileSource::new(&folder.path).without_watch();
    let key = Rotating::start(source).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let asked = Instant::now();
    in_time(key.refresh()).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn change_with_same_size_and_mtime_is_seen() {
    let folder = KeyFolder::new("sk-1");
    let source = FileSource::new(&folder.path).without_watch();
    let key = Rotating::start(source).await.unwrap();
    let written = fs::metadata(&folder.path).unwrap().modified().unwrap();
    for number in 2..=5 {
        let content = format!("sk-{number}");
        let writer = if number % 2 == 0 { write } else { replace };
        writer(&folder.path, &content);
        set_modified(&folder, written);
        let mut changes = key.subscribe();
        assert_content(&in_time(changes.changed()).await.unwrap(), &content);
    }
}

fn set_modified(folder: &KeyFolder, at: SystemTime) {
    let file = File::options().write(true).open(&folder.path).unwrap();
    file.set_modified(at).unwrap();
}

#[tokio::test(start_paused = true)]
async fn unwatched_change_is_seen_within_a_second() {
    let folder = KeyFolder::new("sk-1");
    let source = FileSource::new(&folder.path).without_watch();
    let key = Rotating::start(source).await.unwrap();
    let mut changes = key.subscribe();
    for (number, writer) in [(2, write as fn(&Path, &str)), (3, replace)] {
        // Of another length, which every file system shows.
        writer(&folder.path, &"key".repeat(number));
        let written = Instant::now();
        in_time(changes.changed()).await.unwrap();
        let waited = written.elapsed();
        assert!(waited <= Duration::from_millis(1_100), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn unchanged_file_is_read_every_ten_seconds() {
    let folder = KeyFolder::new("sk-1");
    for (source, most) in [
        (FileSource::new(&folder.path), 6..=7),
        (
            FileSource::new(&folder.path).poll(Duration::from_secs(2)),
            28..=34,
        ),
    ] {
        let fetches = Arc::new(AtomicU32::new(0));
        let counted = Counted(source.without_watch(), Arc::clone(&fetches));
        let key = Rotating::start(counted).await.unwrap();
        sleep(Duration::from_secs(60)).await;
        let fetches = fetches.load(Ordering::SeqCst);
        assert!(most.contains(&fetches), "{fetches}");
        drop(key);
    }
}

/// Counts the fetches.
struct Counted(FileSource, Arc<AtomicU32>);

impl Source for Counted {
    type Value = Secret;

    async fn fetch(&mut self, ask: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.fetch(ask).await
    }

    async fn changed(&mut self) {
        self.0.changed().await;
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.0.refresh_interval()
    }
}

/// A service that logs beside its key goes on to ask a broken key as rarely as the backoff says.
#[tokio::test(start_paused = true)]
async fn log_beside_a_broken_key_keeps_the_backoff() {
    let folder = KeyFolder::new("sk-1");
    let fetches = Arc::new(AtomicU32::new(0));
    let source = Counted(FileSource::new(&folder.path), Arc::clone(&fetches));
    let key = Rotating::start(source).await.unwrap();
    write(&folder.path, "");
    assert!(in_time(key.refresh()).await.is_err());
    let before = fetches.load(Ordering::SeqCst);
    let mut log = File::create(folder.at("app.log")).unwrap();
    for line in 0..80 {
        writeln!(log, "line {line}").unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    let asked = fetches.load(Ordering::SeqCst) - before;
    assert!(asked <= 6, "{asked} fetches in 8 s");
    drop(key);
}

#[tokio::test(start_paused = true)]
async fn max_bytes_is_the_largest_size() {
    let folder = KeyFolder::new("12345678");
    let source = FileSource::new(&folder.path).max_bytes(8);
    let key = Rotating::start(source).await.unwrap();
    assert_content(&key.current(), "12345678");

    write(&folder.path, "12345678\n");
    let error = failure(&key).await;
    let error = error.source_error().expect("the source failed");
    assert_eq!(error.kind(), SourceErrorKind::Invalid);
    assert!(error.to_string().contains("max_bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn max_bytes_defaults_to_64_kib() {
    let folder = KeyFolder::new(vec![b'k'; 64 * 1024]);
    let key = Rotating::start(FileSource::new(&folder.path))
        .await
        .unwrap();
    assert_eq!(key.current().expose_secret().len(), 64 * 1024);

    write(&folder.path, &"k".repeat(64 * 1024 + 1));
    assert_eq!(
        source_kind(&failure(&key).await),
        Some(SourceErrorKind::Invalid)
    );
}

#[test]
fn debug_shows_the_path_and_no_content() {
    let folder = KeyFolder::new("sk-sentinel");
    let text = format!("{:?}", FileSource::new(&folder.path));
    assert!(
        text.contains("openai") && !text.contains("sentinel"),
        "{text}"
    );
}

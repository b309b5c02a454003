//! What does not change the key causes no fetch.
//!
//! The clock is virtual here. It stands still during a read, and jumps once the source only waits.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::key_folder::{KeyFolder, replace, write};
use super::support::Followed;
use crate::source::{Source as _, SourceErrorKind};

/// Does something, and returns whether the source hints because of that.
async fn hints(key: &mut Followed, noise: impl FnOnce()) -> bool {
    let changes = key.source.follower.changes();
    let before = changes.last();
    noise();
    changes.after(before).await;
    let hint = timeout(Duration::from_millis(500), key.source.changed());
    hint.await.is_ok()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn unchanged_content_causes_no_hint() {
    let folder = KeyFolder::new("sk-0");
    let path = &*folder.path;
    let mut key = Followed::start(path).await;
    assert!(!hints(&mut key, || write(path, "sk-0")).await);
    assert!(!hints(&mut key, || replace(path, "sk-0\n")).await);
    assert!(!hints(&mut key, || drop(File::options().append(true).open(path))).await);
    assert!(!hints(&mut key, || set_mode(path, 0o640)).await);
    assert!(hints(&mut key, || write(path, "sk-1")).await);
}

#[tokio::test(start_paused = true)]
async fn log_beside_the_key_causes_no_hint() {
    let folder = KeyFolder::new("sk-0");
    let mut key = Followed::start(&folder.path).await;
    let log_lines = || {
        let mut options = OpenOptions::new();
        let options = options.append(true).create(true);
        for number in 0..50 {
            let mut log = options.open(folder.at("app.log")).unwrap();
            writeln!(log, "line {number}").unwrap();
        }
        set_mode(&folder.path, 0o600); // the only event about the key
    };
    assert!(!hints(&mut key, log_lines).await);
}

#[tokio::test(start_paused = true)]
async fn broken_content_hints_once() {
    let folder = KeyFolder::new("sk-0");
    let path = &*folder.path;
    let mut key = Followed::start(path).await;
    for broken in [" \n", "null", "OPENAI_API_KEY=sk-1"] {
        assert!(hints(&mut key, || write(path, broken)).await);
        let error = key.fetch().await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Invalid);
        assert!(!hints(&mut key, || write(path, broken)).await);
    }
    assert!(hints(&mut key, || write(path, "sk-1")).await);
    assert_eq!(key.fetch().await.unwrap().as_deref(), Some("sk-1"));
}

#[tokio::test(start_paused = true)]
async fn broken_rights_hint_once() {
    let folder = KeyFolder::new("sk-0");
    let path = &*folder.path;
    let mut key = Followed::start(path).await;
    assert!(hints(&mut key, || set_mode(path, 0o666)).await);
    let error = key.fetch().await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Permanent);
    assert!(!hints(&mut key, || set_mode(path, 0o660)).await);
    assert!(hints(&mut key, || set_mode(path, 0o600)).await);
}

//! Who else may access the key file.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tower_rotating_auth::{
    Rotating,
    source::{FileSource, SourceErrorKind},
};

use super::support::{KeyFolder, assert_content, failure, in_time, write};
use crate::support::child::again_as;
use crate::support::{Traced, source_kind};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn writable_file_fails_the_start() {
    for mode in [0o620, 0o602, 0o666] {
        let folder = KeyFolder::new("sk-1");
        set_mode(&folder.path, mode);
        match Rotating::start(FileSource::new(&folder.path)).await {
            Err(error) => {
                let error = error.source_error().expect("the source failed");
                assert_eq!(error.kind(), SourceErrorKind::Permanent);
                assert!(error.to_string().contains("chmod go-w"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn file_that_becomes_writable_keeps_the_old_key() {
    let folder = KeyFolder::new("sk-1");
    let key = Rotating::start(FileSource::new(&folder.path))
        .await
        .unwrap();
    write(&folder.path, "sk-2");
    set_mode(&folder.path, 0o660);
    assert_eq!(
        source_kind(&failure(&key).await),
        Some(SourceErrorKind::Permanent)
    );
    assert_content(&key.current(), "sk-1");

    set_mode(&folder.path, 0o600);
    assert_content(&in_time(key.refresh()).await.unwrap(), "sk-2");
}

#[tokio::test(start_paused = true)]
async fn world_readable_file_logs_one_warning() {
    let traced = Traced::new();
    let folder = KeyFolder::new("sk-sentinel");
    set_mode(&folder.path, 0o644);
    let key = Rotating::start(FileSource::new(&folder.path))
        .await
        .unwrap();
    in_time(key.refresh()).await.unwrap();
    let text = traced.text();
    assert_eq!(text.matches("readable by everybody").count(), 1, "{text}");
    assert!(text.contains("0644") && text.contains("openai"), "{text}");
    assert!(!text.contains("sentinel"));
}

#[tokio::test(start_paused = true)]
async fn allowed_world_readable_file_logs_no_warning() {
    let traced = Traced::new();
    let folder = KeyFolder::new("sk-1");
    set_mode(&folder.path, 0o644);
    let source = FileSource::new(&folder.path).allow_world_readable();
    let key = Rotating::start(source).await.unwrap();
    assert_content(&key.current(), "sk-1");
    assert!(!traced.text().contains("WARN"));
}

#[tokio::test(start_paused = true)]
async fn group_readable_file_logs_no_warning() {
    let traced = Traced::new();
    let folder = KeyFolder::new("sk-1");
    set_mode(&folder.path, 0o640);
    let key = Rotating::start(FileSource::new(&folder.path).strict()).await;
    assert_content(&key.unwrap().current(), "sk-1");
    assert!(!traced.text().contains("WARN"));
}

#[tokio::test(start_paused = true)]
async fn strict_refuses_world_readable_file() {
    let folder = KeyFolder::new("sk-1");
    set_mode(&folder.path, 0o644);
    match Rotating::start(FileSource::new(&folder.path).strict()).await {
        Err(error) => {
            let error = error.source_error().expect("the source failed");
            assert_eq!(error.kind(), SourceErrorKind::Permanent);
            assert!(error.to_string().contains("chmod o-r"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

/// Root may read everything. If the tests run as root, this one runs again as another user.
#[tokio::test(start_paused = true)]
async fn unreadable_file_keeps_the_key() {
    let folder = KeyFolder::new("sk-1");
    let key = Rotating::start(FileSource::new(&folder.path))
        .await
        .unwrap();
    set_mode(&folder.path, 0o000);
    if File::open(&folder.path).is_ok() {
        again_as(
            &["--user"],
            "true",
            "file_source::permissions::unreadable_file_keeps_the_key",
        );
        return;
    }
    let error = failure(&key).await;
    let error = error.source_error().expect("the source failed");
    assert_eq!(error.kind(), SourceErrorKind::Permanent);
    assert!(error.to_string().contains("not readable"), "{error}");
    assert_content(&key.current(), "sk-1");

    set_mode(&folder.path, 0o600);
    write(&folder.path, "sk-2");
    assert_content(&in_time(key.refresh()).await.unwrap(), "sk-2");
}

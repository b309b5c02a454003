//! Key files that break: the last good key stays, and the error says what is wrong.

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use tower_rotating_auth::source::{SourceErrorKind::Invalid, SourceErrorKind::Transient};
use tower_rotating_auth::{
    Rotating,
    source::{FileSource, SourceErrorKind},
};

use super::support::{KeyFolder, assert_content, failure, in_time, write};
use crate::support::{source_kind, start_kind};

/// Breaks the file of a key. The error must have this kind, and contain the path and these words,
/// but never the content. The key must stay until the file is repaired.
async fn stays(class: SourceErrorKind, words: &str, go_bad: impl FnOnce(&Path)) {
    let folder = KeyFolder::new("sk-sentinel");
    let path = &*folder.path;
    let key = Rotating::start(FileSource::new(path)).await.unwrap();

    go_bad(path);
    let error = failure(&key).await;
    let error = error.source_error().expect("the source failed");
    assert_eq!(error.kind(), class, "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("{path:?}")), "no path: {text}");
    assert!(text.contains(words), "not {words:?}: {text}");
    let all = format!("{error:?} {:?}", error.source());
    assert!(!all.contains("sentinel") && !text.contains("sentinel"));
    assert_eq!(key.status().last_error, Some(class));
    assert_content(&key.current(), "sk-sentinel");
    assert_eq!(key.current().generation().get(), 1);

    mend(path);
    let current = in_time(key.refresh()).await.unwrap();
    assert_content(&current, "sk-mended");
    assert_eq!(key.status().last_error, None);
}

fn mend(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => fs::create_dir_all(path.parent().unwrap()).unwrap(),
    }
    write(path, "sk-mended");
}

#[tokio::test(start_paused = true)]
async fn deleted_file_keeps_the_key() {
    let delete = |path: &Path| fs::remove_file(path).unwrap();
    stays(Transient, "does not exist", delete).await;
}

#[tokio::test(start_paused = true)]
async fn deleted_directory_keeps_the_key() {
    let delete = |path: &Path| fs::remove_dir_all(path.parent().unwrap()).unwrap();
    stays(Transient, "does not exist", delete).await;
}

#[tokio::test(start_paused = true)]
async fn directory_replaced_with_file_keeps_the_key() {
    let folder = KeyFolder::empty();
    let path = folder.at("keys/openai");
    fs::create_dir(folder.at("keys")).unwrap();
    write(&path, "sk-1");
    let key = Rotating::start(FileSource::new(&path)).await.unwrap();
    fs::remove_dir_all(folder.at("keys")).unwrap();
    write(&folder.at("keys"), "");
    assert_eq!(source_kind(&failure(&key).await), Some(Transient));
    assert_content(&key.current(), "sk-1");
}

#[tokio::test(start_paused = true)]
async fn emptied_file_keeps_the_key() {
    stays(Invalid, "is empty", |path| write(path, "")).await;
}

#[tokio::test(start_paused = true)]
async fn white_space_file_keeps_the_key() {
    stays(Invalid, "is empty", |path| write(path, " \r\n\u{feff}")).await;
}

#[tokio::test(start_paused = true)]
async fn directory_keeps_the_key() {
    let become_directory = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    stays(Invalid, "not a regular file", become_directory).await;
}

#[tokio::test(start_paused = true)]
async fn oversized_file_keeps_the_key() {
    let grow = |path: &Path| File::create(path).unwrap().set_len(1 << 30).unwrap();
    stays(Invalid, "more than 65536 bytes", grow).await;
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    fn lead_to(target: &str) -> impl FnOnce(&Path) {
        move |path| {
            fs::remove_file(path).unwrap();
            symlink(target, path).unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dangling_link_keeps_the_key() {
        stays(Transient, "link to nothing", lead_to("nothing")).await;
    }

    #[tokio::test(start_paused = true)]
    async fn link_to_itself_keeps_the_key() {
        stays(Transient, "could not be read", lead_to("openai")).await;
    }

    #[tokio::test(start_paused = true)]
    async fn endless_device_keeps_the_key() {
        stays(Invalid, "not a regular file", lead_to("/dev/zero")).await;
    }

    #[tokio::test(start_paused = true)]
    async fn pipe_without_writer_keeps_the_key() {
        let become_pipe = |path: &Path| {
            fs::remove_file(path).unwrap();
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        };
        stays(Invalid, "not a regular file", become_pipe).await;
    }

    #[tokio::test(start_paused = true)]
    async fn socket_keeps_the_key() {
        let become_socket = |path: &Path| {
            fs::remove_file(path).unwrap();
            drop(UnixListener::bind(path).unwrap());
        };
        stays(Invalid, "not a regular file", become_socket).await;
    }
}

#[tokio::test(start_paused = true)]
async fn bad_file_fails_the_start() {
    let folder = KeyFolder::new("");
    match Rotating::start(FileSource::new(&folder.path)).await {
        Err(error) => assert_eq!(start_kind(&error), Some(Invalid)),
        other => panic!("{other:?}"),
    }
}

//! A key that is read from a file that somebody else could replace.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tower_rotating_auth::{
    Rotating, Secret,
    source::{FileSource, SecretSource as _, SourceErrorKind},
};

use super::{OTHER, folder_of_root, give, set_mode};
use crate::support::{Answer, Traced, script, start_kind};

const WARNING: &str = "could replace the";

/// Returns how many warnings there were, or the kind of the error.
async fn read(source: FileSource) -> Result<usize, SourceErrorKind> {
    let traced = Traced::new();
    match Rotating::start(source.without_watch()).await {
        Ok(key) => {
            key.refresh().await.unwrap();
            assert_eq!(key.current().expose_secret(), b"sk-1");
            Ok(traced.text().matches(WARNING).count())
        }
        Err(error) => Err(error.source_error().unwrap().kind()),
    }
}

fn write(path: &Path, mode: u32) -> PathBuf {
    fs::write(path, "sk-1").unwrap();
    set_mode(path, mode);
    path.to_owned()
}

/// A volume of a Kubernetes secret, as the kubelet lays it out.
fn secret_volume(folder: &TempDir) -> PathBuf {
    let volume = folder.path().join("volume");
    let content = volume.join("..2026_11_28");
    fs::create_dir_all(&content).unwrap();
    write(&content.join("key"), 0o440);
    symlink("..2026_11_28", volume.join("..data")).unwrap();
    symlink("..data/key", volume.join("key")).unwrap();
    set_mode(&volume, 0o1777);
    volume.join("key")
}

#[tokio::test(start_paused = true)]
async fn kubernetes_and_systemd_layouts_pass_strict() {
    let folder = tempfile::tempdir().unwrap();
    let volume = secret_volume(&folder);
    // `$CREDENTIALS_DIRECTORY`.
    let credentials = folder.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let credential = write(&credentials.join("key"), 0o400);
    set_mode(&credentials, 0o500);
    for path in [volume, credential] {
        assert_eq!(read(FileSource::new(&path)).await, Ok(0), "{path:?}");
        assert_eq!(read(FileSource::new(&path).strict()).await, Ok(0));
    }
    set_mode(&credentials, 0o700);
}

#[tokio::test(start_paused = true)]
async fn open_folder_is_a_warning_and_strict_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder.path().join("key"), 0o600);
    set_mode(folder.path(), 0o777);
    assert_eq!(read(FileSource::new(&path)).await, Ok(1));
    let strict = read(FileSource::new(&path).strict()).await;
    assert_eq!(strict, Err(SourceErrorKind::Permanent));
}

#[tokio::test(start_paused = true)]
async fn file_of_another_user_is_a_warning() {
    // An `emptyDir`, and a bind mount of a file.
    for mode in [0o777, 0o755] {
        let Some(parent) = folder_of_root() else {
            return;
        };
        let path = write(&parent.path().join("key"), 0o600);
        set_mode(parent.path(), mode);
        give(&path, OTHER);
        let source = || FileSource::new(&path);
        let refused = Err(SourceErrorKind::Permanent);
        assert_eq!(read(source()).await, Ok(1), "{mode:o}");
        assert_eq!(read(source().strict()).await, refused);
        assert_eq!(read(source().owner(OTHER + 1)).await, refused);

        let is_open = mode == 0o777;
        let named = read(source().owner(OTHER)).await;
        assert_eq!(named, Ok(usize::from(is_open)), "{mode:o}");
        let strict = read(source().owner(OTHER).strict()).await;
        assert_eq!(strict, if is_open { refused } else { Ok(0) });
    }
}

#[tokio::test(start_paused = true)]
async fn named_owner_must_own_the_file() {
    let Some(parent) = folder_of_root() else {
        return;
    };
    let path = write(&parent.path().join("key"), 0o600);
    let refused = Err(SourceErrorKind::Permanent);
    assert_eq!(read(FileSource::new(&path).owner(OTHER)).await, refused);
    assert_eq!(read(FileSource::new(&path).owner(0)).await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn cache_of_another_user_is_not_read() {
    let Some(folder) = folder_of_root() else {
        return;
    };
    let path = folder.path().join("last-good");
    let (source, _) = script(|_| Answer::value(Secret::from("sk-1")));
    let filled = Rotating::start(source.cached_on_disk(&path)).await;
    filled.expect("the source delivers");
    let start = async || {
        let (source, _) = script(|_| Answer::down());
        Rotating::start(source.cached_on_disk(&path)).await
    };
    // A file that others put into an open directory would be theirs.
    set_mode(folder.path(), 0o777);
    let key = start().await.expect("the cache is root's");
    assert_eq!(key.current().expose_secret(), b"sk-1");
    give(&path, OTHER);
    let error = start().await.expect_err("the cache is another user's");
    assert_eq!(start_kind(&error), Some(SourceErrorKind::Transient));
}

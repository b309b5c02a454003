//! Root works in the directory of another user, who has put something in the place of each file.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use tower_rotating_auth::keyring::{
    FileSink, FileStore, IssueRequest, KeyRing, MemoryStore, Rotator, UseFile,
};

use super::{OTHER, Victim, folder_of_root, give, set_mode};

fn request() -> IssueRequest {
    IssueRequest::new("batch".parse().unwrap()).or_new_client("".parse().unwrap())
}

/// What a privileged process does with the files in a directory. It may fail.
pub(super) async fn work_as_root(folder: &Path) {
    let keys = folder.join("keys.toml");
    if let Ok(ring) = KeyRing::start(FileStore::new(&keys)).await {
        let _ = ring.issue(request()).await;
    }
    let ring = KeyRing::start(MemoryStore::default()).await.unwrap();
    let sink = FileSink::new(folder.join("batch.key"));
    let _ = Rotator::new(ring.clone(), request(), sink).catch_up().await;
    let keys = UseFile::beside(&keys);
    let _ = keys.note(&ring.keys().current(), SystemTime::now()).await;
}

/// Puts something at a path, as the other user.
fn plant(what: &str, victim: &Victim, at: &Path) {
    let _ = fs::remove_file(at);
    match what {
        "hard link" => fs::hard_link(victim.path(), at).unwrap(),
        "symlink" => symlink(victim.path(), at).unwrap(),
        "link to the directory" => symlink(victim.folder.path(), at).unwrap(),
        "pipe" => assert!(Command::new("mkfifo").arg(at).status().unwrap().success()),
        "directory" => fs::create_dir(at).unwrap(),
        what => panic!("{what}"),
    }
    if what != "hard link" {
        lchown(at, Some(OTHER), Some(OTHER)).unwrap();
    }
}

#[tokio::test]
async fn planted_file_lets_root_change_nothing_outside() {
    if folder_of_root().is_none() {
        return;
    }
    for what in [
        "hard link",
        "symlink",
        "link to the directory",
        "pipe",
        "directory",
    ] {
        for suffix in [
            "keys.toml",
            "keys.toml.lock",
            "keys.toml.next",
            "keys.toml.serial",
            "keys.toml.serial.next",
            "keys.toml.generation",
            "keys.toml.used",
            "keys.toml.used.lock",
            "keys.toml.used.next",
            "batch.key",
            "batch.key.lock",
            "batch.key.next",
        ] {
            let parent = folder_of_root().unwrap();
            let victim = Victim::new();
            let folder = parent.path().join("theirs");
            fs::create_dir(&folder).unwrap();
            give(&folder, OTHER);
            let before = fs::metadata(victim.path()).unwrap().ino();
            plant(what, &victim, &folder.join(suffix));
            work_as_root(&folder).await;
            victim.is_untouched(&format!("{what} at {suffix}"));
            assert_eq!(fs::metadata(victim.path()).unwrap().ino(), before);
        }
    }
}

#[tokio::test]
async fn folder_behind_a_link_of_others_is_refused() {
    let Some(parent) = folder_of_root() else {
        return;
    };
    let victim = Victim::new();
    let theirs = parent.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    give(&theirs, OTHER);
    plant("link to the directory", &victim, &theirs.join("keys"));
    work_as_root(&theirs.join("keys")).await;
    victim.is_untouched("a link to a directory");
}

#[tokio::test]
async fn link_of_others_to_their_own_folder_is_followed() {
    let Some(parent) = folder_of_root() else {
        return;
    };
    let theirs = parent.path().join("theirs");
    let release = theirs.join("releases");
    fs::create_dir_all(&release).unwrap();
    let current = theirs.join("current");
    symlink("releases", &current).unwrap();
    for path in [&theirs, &release] {
        give(path, OTHER);
    }
    lchown(&current, Some(OTHER), Some(OTHER)).unwrap();
    for _ in 0..2 {
        work_as_root(&current).await;
    }
    for name in ["keys.toml", "keys.toml.used", "batch.key"] {
        assert!(release.join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn lock_of_another_user_is_refused() {
    let Some(parent) = folder_of_root() else {
        return;
    };
    let keys = parent.path().join("keys.toml");
    let lock = parent.path().join("keys.toml.lock");
    fs::write(&lock, "").unwrap();
    set_mode(&lock, 0o600);
    give(&lock, OTHER);
    let ring = KeyRing::start(FileStore::new(&keys)).await.unwrap();
    let error = ring.issue(request()).await.unwrap_err();
    let cause = format!("{error:?}");
    assert!(
        cause.contains(&format!("belongs to user {OTHER}")),
        "{cause}"
    );
    assert!(!keys.exists());
    fs::remove_file(&lock).unwrap();
    ring.issue(request()).await.unwrap();
}

#[tokio::test]
async fn lock_belongs_to_the_owner_of_the_key_file() {
    let Some(parent) = folder_of_root() else {
        return;
    };
    let keys = parent.path().join("keys.toml");
    fs::write(&keys, "version = 1\n").unwrap();
    set_mode(&keys, 0o600);
    give(&keys, OTHER);
    let ring = KeyRing::start(FileStore::new(&keys)).await.unwrap();
    ring.issue(request()).await.unwrap();
    for (name, mode) in [
        ("keys.toml", 0o600),
        ("keys.toml.lock", 0o600),
        ("keys.toml.serial", 0o644),
    ] {
        let found = fs::metadata(parent.path().join(name)).unwrap();
        assert_eq!((found.uid(), found.mode() & 0o777), (OTHER, mode), "{name}");
    }
}

#[tokio::test]
async fn lock_of_a_delivery_belongs_to_the_rotator() {
    let Some(parent) = folder_of_root() else {
        return;
    };
    let path = parent.path().join("batch.key");
    fs::write(&path, "").unwrap();
    set_mode(&path, 0o600);
    give(&path, OTHER);
    let ring = KeyRing::start(MemoryStore::default()).await.unwrap();
    let mut rotator = Rotator::new(ring, request(), FileSink::new(&path));
    rotator.catch_up().await.unwrap();
    let lock = fs::metadata(parent.path().join("batch.key.lock")).unwrap();
    assert_eq!((lock.uid(), lock.mode() & 0o777), (0, 0o600));
    assert_eq!(fs::metadata(&path).unwrap().uid(), OTHER);
}

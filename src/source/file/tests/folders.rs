//! Folders on the way to the file that are swapped, moved, removed and created.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::key_folder::{KeyFolder, replace, write};
use super::support::Followed;
use crate::source::SourceErrorKind;
use crate::source::file::FileSource;

/// Points the link `current` to a directory that holds the key in a subdirectory.
fn release(folder: &KeyFolder, number: u32) {
    let keys = folder.at(&format!("releases/{number}/keys"));
    fs::create_dir_all(&keys).unwrap();
    write(&keys.join("openai"), &format!("sk-{number}"));
    symlink(format!("releases/{number}"), folder.at("next")).unwrap();
    fs::rename(folder.at("next"), folder.at("current")).unwrap();
}

#[tokio::test]
async fn swapped_ancestor_link_is_seen() {
    let folder = KeyFolder::empty();
    release(&folder, 0);
    let mut key = Followed::start(&folder.at("current/keys/openai")).await;
    for number in 1..=20 {
        release(&folder, number);
        key.becomes(&format!("sk-{number}")).await;
    }
}

#[tokio::test]
async fn recreated_directory_is_seen() {
    let folder = KeyFolder::empty();
    let keys = folder.at("keys");
    let path = keys.join("openai");
    fs::create_dir(&keys).unwrap();
    write(&path, "sk-0");
    let mut key = Followed::start(&path).await;
    for number in 1..=20 {
        fs::remove_dir_all(&keys).unwrap();
        if number % 2 == 0 {
            key.fails(SourceErrorKind::Transient).await;
        }
        let content = format!("sk-{number}");
        fs::create_dir(&keys).unwrap();
        write(&path, &content);
        key.becomes(&content).await;
        write(&path, "sk-again");
        key.becomes("sk-again").await;
    }
}

#[tokio::test]
async fn replaced_directory_is_seen() {
    let folder = KeyFolder::empty();
    let keys = folder.at("keys");
    fs::create_dir(&keys).unwrap();
    write(&keys.join("openai"), "sk-0");
    let mut key = Followed::start(&keys.join("openai")).await;
    for number in 1..=20 {
        let content = format!("sk-{number}");
        fs::create_dir(folder.at("next")).unwrap();
        write(&folder.at("next/openai"), &content);
        fs::rename(&keys, folder.at(&format!("old-{number}"))).unwrap();
        fs::rename(folder.at("next"), &keys).unwrap();
        key.becomes(&content).await;
        replace(&keys.join("openai"), "sk-again");
        key.becomes("sk-again").await;
    }
}

#[tokio::test]
async fn late_directories_are_seen() {
    let folder = KeyFolder::empty();
    let path = folder.at("some/where/openai");
    let mut key = Followed::unstarted(FileSource::new(&path));
    assert!(key.fetch().await.is_err());
    fs::create_dir_all(folder.at("some/where")).unwrap();
    write(&path, "sk-1");
    key.becomes("sk-1").await;
}

#[tokio::test]
async fn relative_path_is_watched() {
    let folder = KeyFolder::new("sk-0");
    let up = std::env::current_dir().unwrap().components().count() - 1;
    let root: PathBuf = std::iter::repeat_n("..", up).collect();
    let path = root.join(folder.path.strip_prefix("/").unwrap());
    let mut key = Followed::start(&path).await;
    write(&folder.path, "sk-1");
    key.becomes("sk-1").await;
}

//! The file, step by step: what a step leaves behind if it fails, and if the process ends there.

mod crash;
#[cfg(all(unix, not(portable_only)))]
mod errnos;
mod faults;
#[cfg(all(unix, not(portable_only)))]
mod files;
mod text;
mod writers;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::commit;
use crate::inbound::{KeyDigest, Scopes};
use crate::keyring::state::{ClientEntry, KeyEntry, KeyRingState};
use crate::keyring::store::StoreErrorKind;

/// A temporary directory, with the path of a file in it.
struct Folder {
    folder: TempDir,
    file: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.toml");
        Self { folder, file }
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn key(name: &str) -> KeyEntry {
    let digest = KeyDigest::of(format!("the key {name}").as_bytes());
    KeyEntry::new(name.parse().unwrap(), "c".parse().unwrap(), digest)
}

/// Returns the next state, with one more key of this name.
fn with_one_more(base: &KeyRingState, name: &str) -> KeyRingState {
    let client = ClientEntry::new("c".parse().unwrap(), Scopes::default());
    let keys = base.keys().cloned().chain([key(name)]);
    KeyRingState::new(base.serial() + 1, [client], keys).unwrap()
}

/// Adds keys one by one, as a key ring does: a stale commit is tried again.
fn add(path: &Path, names: impl IntoIterator<Item = String>) {
    for name in names {
        loop {
            let base = commit::load(path).unwrap();
            let next = with_one_more(&base, &name);
            match commit::commit(path, &base, &next, |_| Ok(())) {
                Ok(()) => break,
                Err(error) if error.kind() == StoreErrorKind::Conflict => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

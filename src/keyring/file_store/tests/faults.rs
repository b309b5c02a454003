//! Steps that fail.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Folder, add, with_one_more};
use crate::fs::Step;
use crate::inbound::{KeyDigest, Scopes};
use crate::keyring::file_store::commit::{self, StoreFile};
use crate::keyring::request::IssueRequest;
use crate::keyring::ring::{KeyRing, KeyRingError, KeyRingErrorKind};
use crate::keyring::state::{ClientEntry, KeyEntry, KeyRingState};
use crate::keyring::store::{Commit, Store, StoreError, StoreErrorKind};

pub(super) const STEPS: [Step; 8] = [
    Step::Lock,
    Step::Read,
    Step::Create,
    Step::Write,
    Step::Sync,
    Step::Rename,
    Step::SyncDirectory,
    Step::Note,
];

#[test]
fn commit_takes_eight_steps_in_order() {
    let folder = Folder::new();
    let base = KeyRingState::empty();
    let mut taken = Vec::new();
    commit::commit(&folder.file, &base, &with_one_more(&base, "k"), |step| {
        taken.push(step);
        Ok(())
    })
    .unwrap();
    assert_eq!(taken, STEPS);
}

#[test]
fn failed_step_leaves_old_or_new_content() {
    for failing in STEPS {
        let folder = Folder::new();
        add(&folder.file, ["before".into()]);
        let base = commit::load(&folder.file).unwrap();
        let next = with_one_more(&base, "after");
        let committed = commit::commit(&folder.file, &base, &next, |step| {
            if step == failing {
                Err(ErrorKind::StorageFull.into())
            } else {
                Ok(())
            }
        });
        let found = commit::load(&folder.file).unwrap();
        match failing {
            Step::Lock | Step::Read | Step::Create | Step::Write | Step::Sync | Step::Rename => {
                assert!(
                    matches!(&committed, Err(error) if error.kind() == StoreErrorKind::Failed),
                    "{failing:?}"
                );
                assert_eq!(found, base, "{failing:?}");
            }
            // Written, but it may be lost after a crash: the ring reads it again.
            Step::SyncDirectory => {
                assert!(
                    matches!(&committed, Err(error) if error.kind() == StoreErrorKind::Failed),
                    "{failing:?}"
                );
                assert_eq!(found, next);
            }
            Step::Note => {
                committed.unwrap();
                assert_eq!(found, next);
            }
        }
        assert_eq!(
            folder.names(),
            ["keys.toml", "keys.toml.lock", "keys.toml.serial"],
            "{failing:?}"
        );
        add(&folder.file, ["later".into()]);
        assert_eq!(
            commit::load(&folder.file).unwrap().serial(),
            found.serial() + 1
        );
    }
}

/// A store whose disk cannot sync a rename while it is broken.
struct Flaky {
    file: StoreFile,
    is_broken: Arc<AtomicBool>,
}

impl Flaky {
    fn at(is_broken: &AtomicBool, step: Step) -> io::Result<()> {
        if step == Step::SyncDirectory && is_broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is broken"));
        }
        Ok(())
    }
}

impl Store for Flaky {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        self.file.load(|step| Self::at(&self.is_broken, step))
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        let before = |step| Self::at(&self.is_broken, step);
        self.file.commit(commit.base, commit.next, before)
    }
}

#[tokio::test]
async fn unsynced_commit_is_unknown_until_synced() {
    let folder = Folder::new();
    let is_broken = Arc::new(AtomicBool::new(false));
    let store = Flaky {
        file: StoreFile::new(folder.file.clone()),
        is_broken: Arc::clone(&is_broken),
    };
    let ring = KeyRing::start(store).await.unwrap();
    let request = || IssueRequest::new("c".parse().unwrap()).or_new_client(Scopes::default());
    let key = ring.issue(request()).await.unwrap();

    is_broken.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let revoked = ring.revoke(key.id()).await;
        assert!(
            matches!(
                revoked.as_ref().map_err(KeyRingError::kind),
                Err(KeyRingErrorKind::Unknown | KeyRingErrorKind::Store)
            ),
            "{revoked:?}"
        );
    }
    is_broken.store(false, Ordering::SeqCst);
    assert_eq!(ring.revoke(key.id()).await.unwrap(), [], "it was, before");
    let old = std::fs::read_to_string(&folder.file).unwrap();
    let old = old.replace("serial = 2", "serial = 1");
    std::fs::write(&folder.file, old).unwrap();
    let error = commit::load(&folder.file).unwrap_err().to_string();
    assert!(error.contains("2 was written"), "it is noted: {error}");
}

#[test]
fn failed_first_write_leaves_no_file() {
    let folder = Folder::new();
    let base = KeyRingState::empty();
    let committed = commit::commit(&folder.file, &base, &with_one_more(&base, "k"), |step| {
        if step == Step::Sync {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    });
    committed.unwrap_err();
    assert_eq!(commit::load(&folder.file).unwrap(), base);
    assert!(!folder.file.exists());
}

#[test]
fn write_error_contains_path_and_cause() {
    let folder = Folder::new();
    let base = KeyRingState::empty();
    let full = commit::commit(
        &folder.file,
        &base,
        &with_one_more(&base, "k"),
        |step| match step {
            Step::Write => Err(ErrorKind::StorageFull.into()),
            _ => Ok(()),
        },
    );
    let error = full.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Failed);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains("keys.toml"), "{error}");
    assert!(error.to_string().contains("disk"), "{error}");
    assert!(cause.contains("no storage space"), "{cause}");
}

#[test]
fn unreadable_state_is_not_written() {
    let folder = Folder::new();
    let digest = KeyDigest::of(b"the-key-itself");
    let entry = KeyEntry::new(
        "the-key-itself".parse().unwrap(),
        "c".parse().unwrap(),
        digest,
    );
    let client = ClientEntry::new("c".parse().unwrap(), Scopes::default());
    let next = KeyRingState::new(1, [client], [entry]).unwrap();
    let written = commit::commit(&folder.file, &KeyRingState::empty(), &next, |_| Ok(()));
    assert!(
        matches!(&written, Err(error) if error.kind() == StoreErrorKind::Failed),
        "{written:?}"
    );
    assert!(!folder.file.exists());
}

//! A ledger in a key file: one that a [`FileSource`](crate::source::FileSource) reads while it is written.

pub(crate) mod commit;
mod format;
mod note;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;

use self::commit::StoreFile;
use super::state::KeyRingState;
use super::store::{Commit, Store, StoreError};
use crate::blocking::{self, ShuttingDown};

/// Keeps a ledger in a key file, for up to some ten thousand keys: each change writes all of it.
///
/// It is the file that [`KeySet::from_toml`](crate::inbound::KeySet::from_toml) reads, of digests and no keys, so that a service
/// with a [`FileSource`](crate::source::FileSource) takes each change over while a program with this store makes it. Where there
/// is no file yet, the ledger is empty, and the first change makes one that its owner alone may read. Whose it is and who
/// may read it stays as it is from then on, by its mode and, on Linux, by its access control list. A comment does not stay.
///
/// A [`KeyRing`](crate::keyring::KeyRing) on this store takes in what another program has written with its next change, unless it
/// is told [`sync_every`](crate::keyring::KeyRingBuilder::sync_every): set it in a service, or a key that was revoked elsewhere goes
/// on being accepted.
///
/// # What holds whenever the process or the machine stops
///
/// There is the old content or the new: it is written to `<file>.next`, to the disk, and renamed. Several programs may
/// write at a time: each holds the lock on `<file>.lock`, its owner's alone, while it does, and one that decided on an older
/// content is told so ([`StoreErrorKind::Conflict`](crate::keyring::StoreErrorKind::Conflict)). The lock is advisory: who edits by hand is not held up, and not overwritten
/// either, unless in the very moment of a write.
///
/// Where the disk has not taken the rename, it cannot be said whether the change is there after a crash, and it is not said to be
/// ([`KeyRingErrorKind::Unknown`](crate::keyring::KeyRingErrorKind::Unknown)): the store reads nothing until the disk has.
///
/// # An older file
///
/// A revoked key stays in the file, marked as revoked. Each change raises the `serial` of the file. The store refuses a
/// file whose serial is lower than the last one written, since it could bring a revoked key back. It keeps that number in
/// `<file>.serial`, which everybody may read. It still reads files that name it `generation`, and a note named
/// `<file>.generation`; of two notes, the higher counts.
///
/// # Errors
///
/// A file that others than its owner may write, that is no regular file, or that is no key file is refused, and nothing is
/// written then. What links lead to is written, not the link.
///
/// # Example
///
/// ```
/// use tower_rotating_auth::keyring::{FileStore, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let mut store = FileStore::new(folder.path().join("keys.toml"));
/// assert_eq!(store.load().await?.serial(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    /// One at a time: work whose caller is gone goes on.
    file: Arc<Mutex<StoreFile>>,
}

impl FileStore {
    /// The file at this path, which need not be there yet. Its folder must be.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let file = StoreFile::new(path.into());
        Self {
            file: Arc::new(Mutex::new(file)),
        }
    }
}

impl Store for FileStore {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        let mut file = Arc::clone(&self.file).lock_owned().await;
        blocking::run(move || file.load(|_| Ok(()))).await?
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        let mut file = Arc::clone(&self.file).lock_owned().await;
        let (base, next) = (commit.base.clone(), commit.next.clone());
        blocking::run(move || file.commit(&base, &next, |_| Ok(()))).await?
    }
}

impl From<ShuttingDown> for StoreError {
    fn from(reason: ShuttingDown) -> Self {
        Self::new(reason.to_string())
    }
}

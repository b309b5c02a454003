//! A store that keeps the keys in a key file, which a [`FileSource`](crate::source::FileSource) can
//! read.

pub(crate) mod commit;
mod finding;
mod format;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;

use self::commit::StoreFile;
pub use self::finding::{FileFinding, FileFindingKind};
use super::state::KeyRingState;
use super::store::{Commit, Store, StoreError};
use crate::blocking::{self, ShuttingDown};

/// A store that keeps the keys in a key file. Suited to about ten thousand keys, since each change
/// writes the whole file.
///
/// The file is the one that [`KeySet::from_toml`](crate::inbound::KeySet::from_toml) reads. It
/// holds digests and no keys. A service with a [`FileSource`](crate::source::FileSource) follows
/// the changes that another program makes through this store.
///
/// If there is no file yet, the store is empty, and the first change creates a file that only its
/// owner may read. Later writes keep the owner, the mode and, on Linux, the ACL of the file.
/// Comments in the file are lost.
///
/// A [`KeyRing`](crate::keyring::KeyRing) reads what another program has written before its own
/// next change. In a service, set [`sync_every`](crate::keyring::KeyRingBuilder::sync_every):
/// otherwise it goes on accepting a key that was revoked elsewhere.
///
/// # Durability
///
/// After a crash there is the old content or the new: the store writes `<file>.next`, syncs it to
/// the disk, renames it, and syncs the directory, where the file system can sync one.
///
/// Several programs may write at a time. Each one holds the lock on `<file>.lock`, which only the
/// owner of the key file and root may open. A program that decided on older content gets an error
/// of kind [`Conflict`](crate::keyring::StoreErrorKind::Conflict). The lock is
/// advisory: an editor does not wait for it. The store does not overwrite an edit, unless the edit
/// happens at the very moment of a write.
///
/// If the disk fails to sync the rename, the change may be lost after a crash. The store then
/// returns an error, and reads nothing until the disk has synced it.
///
/// # An older file
///
/// A revoked key stays in the file, marked as revoked. Each change raises the `serial` of the file.
/// The store refuses a file whose serial is lower than the last one written, since it could bring a
/// revoked key back. It keeps that number in `<file>.serial`, which everybody may read. It still
/// reads files that name it `generation`, and a note named `<file>.generation`; of two notes, the
/// higher counts.
///
/// # Errors
///
/// The store refuses a file that is writable by others, that is not a regular file, or that is not
/// a key file, and leaves it as it is. It follows links, and writes their target. On Unix, it
/// follows a link that another user may have made only to a file or directory of that user.
///
/// It changes owner and mode only of files that it has created, and refuses a `<file>.lock` that
/// is not a regular file, has several links, or belongs to yet another user.
///
/// A key file that is mounted by itself, as Docker does with a single file, cannot be replaced:
/// mount its directory. The file system must have locks.
///
/// # Examples
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
    /// Locked while work runs, which goes on even if its caller is gone.
    file: Arc<Mutex<StoreFile>>,
}

impl FileStore {
    /// Creates a store for the file at this path. The file need not exist, its directory must.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let file = StoreFile::new(path.into());
        Self {
            file: Arc::new(Mutex::new(file)),
        }
    }

    /// Returns what an operator should change about the file and its directory: who may read the
    /// file, who could replace it, and whether this user can write it.
    /// It writes nothing.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if the path cannot be resolved, or the file is refused.
    pub async fn findings(&self) -> Result<Vec<FileFinding>, StoreError> {
        let file = Arc::clone(&self.file).lock_owned().await;
        blocking::run(move || finding::examine(file.path())).await?
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

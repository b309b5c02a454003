//! An advisory lock on a file: one writer at a time, across processes.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::thread::sleep;
use std::time::Duration;

use fs4::{FileExt, TryLockError};

use super::open::{metadata_if_exists, open_or_create};
use super::os;
use super::paths::Paths;

/// How long [`Lock::wait`] waits. Other writers hold the lock for a single write;
/// `three_processes_lose_no_change` shows that they take turns.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(5);

/// A held lock, released when it is dropped and when the process ends, however it ends.
///
/// The lock is on a file of its own, `<file>.lock`: the file itself is replaced, and a lock on it
/// would be, too. Only the owner may open that file, since whoever can open it can hold the lock
/// and keep all writers out.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Waits up to 10 s for the lock, and returns `None` if it stays taken. Blocks the thread.
    pub(crate) fn wait(paths: &Paths) -> io::Result<Option<Self>> {
        let mut waited = Duration::ZERO;
        loop {
            match Self::try_take(paths)? {
                None if waited < PATIENCE => {
                    sleep(PAUSE);
                    waited += PAUSE;
                }
                taken => return Ok(taken),
            }
        }
    }

    /// Takes the lock, or returns `None` if another writer holds it. The lock file gets the owner
    /// of the file itself.
    pub(crate) fn try_take(paths: &Paths) -> io::Result<Option<Self>> {
        let like = metadata_if_exists(&paths.file)?;
        let path = paths.lock();
        loop {
            let file = open_or_create(&path)?;
            match FileExt::try_lock(&file) {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {
                    continue;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Its last holder may have removed the file: a lock on what is not there any more keeps
            // nobody out.
            if !os::is_at(&file, &path)? {
                continue;
            }
            let lock = Self(file);
            return match os::set_access(&lock.0, like.as_ref(), 0o600) {
                Ok(()) => Ok(Some(lock)),
                Err(error) => {
                    // With the wrong owner it would keep others out for good. The first error is
                    // the one that counts.
                    let _ = fs::remove_file(&path);
                    Err(error)
                }
            };
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that was forked meanwhile has the file open until
        // it runs its program.
        let _ = FileExt::unlock(&self.0);
    }
}

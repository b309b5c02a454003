//! One writer at a time.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use fs4::{FileExt, TryLockError};

use super::os;

/// Others hold the lock for one write.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// The lock, while it is held. It is let go of when this is dropped, and when the process ends, however it does.
///
/// It is on a file beside the one that is written: that one is replaced, and a lock on it would be with it. That file is its
/// owner's alone, whoever may read the one beside it: to open it is enough to hold the lock, and to keep everybody out.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Waits for its turn; `None` when that does not come. It is given to the owner of `like`.
    pub(crate) fn take(path: &Path, like: Option<&Metadata>) -> io::Result<Option<Self>> {
        let mut waited = Duration::ZERO;
        loop {
            match Self::try_take(path, like)? {
                None if waited < PATIENCE => {
                    sleep(PAUSE);
                    waited += PAUSE;
                }
                taken => return Ok(taken),
            }
        }
    }

    /// The same, and `None` at once where somebody else holds it.
    pub(crate) fn try_take(path: &Path, like: Option<&Metadata>) -> io::Result<Option<Self>> {
        loop {
            let file = open(path)?;
            match FileExt::try_lock(&file) {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {
                    continue;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Whoever held it may have taken it away: a lock on what is not there any more keeps nobody out.
            if !os::is_at(&file, path)? {
                continue;
            }
            let lock = Self(file);
            return match os::give(&lock.0, like, 0o600) {
                Ok(()) => Ok(Some(lock)),
                Err(error) => {
                    // As it is, it would keep others out for good. The error that is told is the first one.
                    let _ = fs::remove_file(path);
                    Err(error)
                }
            };
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a process that was forked meanwhile, to run another program, has the file open until it does.
        let _ = FileExt::unlock(&self.0);
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    os::private(options.read(true).write(true).create(true).truncate(false));
    options.open(path)
}

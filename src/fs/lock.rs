//! An advisory lock on a file: one writer at a time, across processes.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::thread::sleep;
use std::time::Duration;

use fs4::{FileExt, TryLockError};

use super::os;
use super::paths::Paths;

/// How long [`Lock::wait`] waits. Other writers hold the lock for a single write;
/// `three_processes_lose_no_change` shows that they take turns.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(5);
/// More attempts than any number of writers needs that come and go.
const MOST_ATTEMPTS: usize = 1_000;

/// Who may take a lock besides root. Whoever can open its file can hold it and keep all others out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LockHolders<'a> {
    /// This user.
    Us,
    /// This user, and the owner of this file.
    OwnerOf(Option<&'a Metadata>),
    /// Whoever may write in the directory.
    WritersOfDirectory,
}

/// A held lock, released when it is dropped and when the process ends, however it ends.
///
/// The lock is on a file of its own, `<file>.lock`: the file itself is replaced, and a lock on it
/// would be, too. Owner and mode of that file are set when it is created. One that somebody else
/// has put there is refused.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Waits up to 10 s for the lock, and returns `None` if it stays taken. Blocks the thread.
    pub(crate) fn wait(paths: &Paths, holders: LockHolders<'_>) -> io::Result<Option<Self>> {
        let mut waited = Duration::ZERO;
        loop {
            match Self::try_take(paths, holders)? {
                None if waited < PATIENCE => {
                    sleep(PAUSE);
                    waited += PAUSE;
                }
                taken => return Ok(taken),
            }
        }
    }

    /// Takes the lock, or returns `None` if another writer holds it.
    pub(crate) fn try_take(paths: &Paths, holders: LockHolders<'_>) -> io::Result<Option<Self>> {
        let place = paths.lock();
        for _ in 0..MOST_ATTEMPTS {
            let Some(file) = open(&place, holders)? else {
                continue; // another process has removed it since
            };
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
            if !place.is(&file)? {
                continue;
            }
            let found = file.metadata()?;
            if !holders.may_include_all() && os::is_open_to_others(&found) {
                // Somebody has changed its mode. Nobody holds it now: make another.
                place.remove_if_exists()?;
                continue;
            }
            return Ok(Some(Self(file)));
        }
        Ok(None)
    }
}

/// Opens the lock, after creating it if there is none. Returns `None` if it comes and goes.
fn open(place: &Paths, holders: LockHolders<'_>) -> io::Result<Option<File>> {
    match place.create_new() {
        Ok(file) => match holders.take_over(&file, place) {
            Ok(()) => Ok(Some(file)),
            Err(error) => {
                // With the wrong owner it would keep others out for good. The first error is the
                // one that counts.
                let _ = place.remove_if_exists();
                Err(error)
            }
        },
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let Some(file) = place.open_to_lock()? else {
                return Ok(None);
            };
            let checked = os::may_be_locked_by(&file.metadata()?, |uid| holders.include(uid));
            checked.map_err(|what| {
                let path = &place.file;
                let message = format!("{path:?} {what}; remove it");
                io::Error::new(ErrorKind::PermissionDenied, message)
            })?;
            Ok(Some(file))
        }
        Err(error) => Err(error),
    }
}

impl LockHolders<'_> {
    /// Makes the new file one that these may open.
    fn take_over(self, file: &File, place: &Paths) -> io::Result<()> {
        match self {
            Self::Us | Self::OwnerOf(None) => Ok(()),
            Self::OwnerOf(Some(like)) => os::give_to_owner_of(file, like),
            Self::WritersOfDirectory => os::give_to_writers_of(file, place.directory()),
        }
    }

    fn include(self, uid: u32) -> bool {
        match self {
            Self::Us | Self::OwnerOf(None) => os::is_trusted(uid),
            Self::OwnerOf(Some(like)) => os::is_trusted(uid) || os::is_owned_by(like, uid),
            Self::WritersOfDirectory => true,
        }
    }

    const fn may_include_all(self) -> bool {
        matches!(self, Self::WritersOfDirectory)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that was forked meanwhile has the file open until
        // it runs its program.
        let _ = FileExt::unlock(&self.0);
    }
}

//! One writer at a time, and the highest generation that any of them has written.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Seek, Write};
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
/// It is on a file beside the one that is written: that one is replaced, and a lock on it would be with it. That file
/// says which generation was written last, so that an older file that somebody puts back is known for what it is.
pub(super) struct Lock(File);

impl Lock {
    /// Waits for its turn; `None` when that does not come. A file that was not there is given to the owner of `like`.
    pub(super) fn take(path: &Path, like: Option<&Metadata>) -> io::Result<Option<Self>> {
        let file = open(path, like)?;
        let mut waited = Duration::ZERO;
        loop {
            match FileExt::try_lock(&file) {
                Ok(()) => return Ok(Some(Self(file))),
                Err(TryLockError::WouldBlock) if waited < PATIENCE => {
                    sleep(PAUSE);
                    waited += PAUSE;
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Notes that this generation was written.
    pub(super) fn note(&mut self, generation: u64) -> io::Result<()> {
        // As long as any: it is overwritten in place, so that a full disk does not matter.
        let note = format!("{generation:020}\n");
        self.0.rewind()?;
        self.0.write_all(note.as_bytes())
    }
}

/// The highest generation that was written, where that is known.
pub(super) fn noted(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim_end().parse().ok()
}

fn open(path: &Path, like: Option<&Metadata>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    os::private(&mut options);
    match options.clone().create_new(true).open(path) {
        Ok(mut new) => {
            os::adopt(&new, like)?;
            new.write_all(format!("{:020}\n", 0).as_bytes())?;
            Ok(new)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    }
}

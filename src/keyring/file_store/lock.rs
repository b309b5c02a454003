//! One writer at a time, and the highest generation that any of them has written.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
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
/// It is on a file beside the one that is written: that one is replaced, and a lock on it would be with it. Beside a
/// ledger, it says which generation was written last, so that an older file that somebody puts back is known for what it is.
#[derive(Debug)]
pub(in crate::keyring) struct Lock(File);

impl Lock {
    /// Waits for its turn; `None` when that does not come. A file that was not there is given to the owner of `like`.
    pub(in crate::keyring) fn take(
        path: &Path,
        like: Option<&Metadata>,
    ) -> io::Result<Option<Self>> {
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
    pub(in crate::keyring) fn try_take(
        path: &Path,
        like: Option<&Metadata>,
    ) -> io::Result<Option<Self>> {
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
            if file.metadata()?.len() > 0 {
                return Ok(Some(Self(file)));
            }
            let mut new = Self(file);
            return match new.begin(like) {
                Ok(()) => Ok(Some(new)),
                Err(error) => {
                    // As it is, it would keep others out for good. The error that is told is the first one.
                    let _ = fs::remove_file(path);
                    Err(error)
                }
            };
        }
    }

    /// Makes a file that is empty one that whoever writes can lock, and note in.
    fn begin(&mut self, like: Option<&Metadata>) -> io::Result<()> {
        os::adopt(&self.0, like)?;
        self.note(0)
    }

    /// The highest generation that was written, if any was.
    pub(super) fn noted(&mut self) -> io::Result<Option<u64>> {
        self.0.rewind()?;
        generation(&self.0)
    }

    /// Notes that this generation was written.
    pub(super) fn note(&mut self, generation: u64) -> io::Result<()> {
        // As long as any: it is overwritten in place, so that a full disk does not matter.
        let note = format!("{generation:020}\n");
        self.0.rewind()?;
        self.0.write_all(note.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a process that was forked meanwhile, to run another program, has the file open until it does.
        let _ = FileExt::unlock(&self.0);
    }
}

/// The highest generation that was written, if any was, for those who do not hold the lock.
pub(super) fn noted(path: &Path) -> io::Result<Option<u64>> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        opened => generation(&opened?),
    }
}

fn generation(mut file: &File) -> io::Result<Option<u64>> {
    let mut note = String::new();
    file.read_to_string(&mut note)?;
    match note.strip_suffix('\n') {
        // Its first writer is about to write it, or ended before it had.
        None => Ok(None),
        Some(generation) => generation.parse().map(Some).map_err(io::Error::other),
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    os::private(options.read(true).write(true).create(true).truncate(false));
    options.open(path)
}

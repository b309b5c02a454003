//! Reads and replaces the file of a sink while holding its lock.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::fs::{Access, Lock, LockHolders, Paths, SecretFile, Step, distrust_directory, replace};
use crate::inbound::KeyDigest;

/// The size limit in bytes: no key is longer.
const MAX_BYTES: usize = 64 * 1024;

/// Another sink holds the lock.
#[derive(Debug)]
pub(crate) struct InUse;

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another rotator holds the lock")
    }
}

impl Error for InUse {}

/// The file of a sink, locked from its first use.
#[derive(Debug)]
pub(crate) struct SinkFile {
    path: PathBuf,
    /// The lock, with its path: links may lead to another file later.
    lock: Option<(PathBuf, Lock)>,
}

impl SinkFile {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, lock: None }
    }

    /// Replaces the content of the file with the token.
    pub(crate) fn deliver(
        &mut self,
        token: &[u8],
        mut before: impl FnMut(Step) -> io::Result<()>,
    ) -> io::Result<()> {
        let paths = self.claim(&mut before)?;
        let old = paths.open_if_exists()?;
        let access = Access::kept_from(old.as_ref());
        replace(&paths, token, access, &mut before)
    }

    /// Returns the digest of the content of the file, if there is one.
    pub(crate) fn held(
        &mut self,
        mut before: impl FnMut(Step) -> io::Result<()>,
    ) -> io::Result<Option<KeyDigest>> {
        let paths = self.claim(&mut before)?;
        let Some(file) = paths.open_if_exists()? else {
            return Ok(None);
        };
        let token = SecretFile::check(file)?.read(MAX_BYTES)?;
        Ok(Some(KeyDigest::of(token.trim_ascii())))
    }

    /// Resolves the path, and locks the file if it is not locked yet. A missing directory is an
    /// error: the volume may not be mounted, so the file may well exist.
    fn claim(&mut self, before: &mut impl FnMut(Step) -> io::Result<()>) -> io::Result<Paths> {
        let paths = Paths::resolve(&self.path)?;
        let path = paths.lock().file;
        if self.lock.as_ref().is_none_or(|(held, _)| *held != path) {
            before(Step::Lock)?;
            // Not the owner of the file: whoever reads the key must not hold up its rotation.
            let lock = Lock::try_take(&paths, LockHolders::Us)?;
            let lock = lock.ok_or_else(|| io::Error::other(InUse))?;
            if let Some(found) = distrust_directory(&paths.file, None) {
                tracing::warn!(path = ?self.path, "the delivered key {found}");
            }
            self.lock = Some((path, lock));
        }
        Ok(paths)
    }
}

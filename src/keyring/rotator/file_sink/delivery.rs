//! Reads the file, and replaces it, while nobody else does.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::fs::{Access, Lock, Paths, SecretFile, Step, open_if_exists, replace};
use crate::inbound::KeyDigest;

/// No key is longer.
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

/// The file of a sink, locked from its first use on.
#[derive(Debug)]
pub(crate) struct SinkFile {
    path: PathBuf,
    /// With the path that it is on: what links lead to may be another file later.
    lock: Option<(PathBuf, Lock)>,
}

impl SinkFile {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, lock: None }
    }

    /// Puts this into the file, and nothing else.
    pub(crate) fn deliver(
        &mut self,
        token: &[u8],
        mut before: impl FnMut(Step) -> io::Result<()>,
    ) -> io::Result<()> {
        let paths = self.claim(&mut before)?;
        let old = open_if_exists(&paths.file)?;
        let access = Access::kept_from(old.as_ref());
        replace(&paths, token, access, &mut before)
    }

    /// The digest of what is in the file.
    pub(crate) fn held(
        &mut self,
        mut before: impl FnMut(Step) -> io::Result<()>,
    ) -> io::Result<Option<KeyDigest>> {
        let paths = self.claim(&mut before)?;
        let Some(file) = open_if_exists(&paths.file)? else {
            return Ok(None);
        };
        let token = SecretFile::check(file)?.read(MAX_BYTES)?;
        Ok(Some(KeyDigest::of(token.trim_ascii())))
    }

    /// Finds the file, and keeps others from it from now on. A folder that is gone, as of a volume that is not mounted,
    /// is an error: it says nothing of the file.
    fn claim(&mut self, before: &mut impl FnMut(Step) -> io::Result<()>) -> io::Result<Paths> {
        let paths = Paths::resolve(&self.path)?;
        let path = paths.lock();
        if self.lock.as_ref().is_none_or(|(held, _)| *held != path) {
            before(Step::Lock)?;
            let lock = Lock::try_take(&paths)?.ok_or_else(|| io::Error::other(InUse))?;
            self.lock = Some((path, lock));
        }
        Ok(paths)
    }
}

//! Reads the file, and replaces it, while nobody else does.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use crate::fs::{Exposure, Lock, Place, Readers, Step, replace};
use crate::inbound::KeyDigest;

/// No key is longer.
const MAX_BYTES: usize = 64 * 1024;

/// Another sink holds the lock.
#[derive(Debug)]
pub(crate) struct Taken;

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("somebody else delivers to it")
    }
}

impl Error for Taken {}

#[derive(Debug)]
pub(crate) struct Desk {
    path: PathBuf,
    /// With the path that it is on: what links lead to may be another file later.
    lock: Option<(PathBuf, Lock)>,
}

impl Desk {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, lock: None }
    }

    /// Puts this into the file, and nothing else.
    pub(crate) fn deliver(
        &mut self,
        token: &[u8],
        mut before: impl FnMut(Step) -> io::Result<()>,
    ) -> io::Result<()> {
        let place = self.claim(&mut before)?;
        let old = open(&place)?;
        replace(&place, token, Readers::of(old.as_ref()), &mut before)
    }

    /// The digest of what is in the file.
    pub(crate) fn held(
        &mut self,
        mut before: impl FnMut(Step) -> io::Result<()>,
    ) -> io::Result<Option<KeyDigest>> {
        let place = self.claim(&mut before)?;
        let Some(file) = open(&place)? else {
            return Ok(None);
        };
        let metadata = file.metadata()?;
        if let Exposure::Writable { .. } = crate::fs::exposure(&metadata) {
            return Err(io::Error::other("others than its owner may write it"));
        }
        let read = crate::fs::read(&file, metadata.len(), MAX_BYTES)?;
        let read = read.ok_or_else(|| io::Error::other("it is too long for a key"))?;
        Ok(Some(KeyDigest::of(read.trim_ascii())))
    }

    /// Finds the file, and keeps others from it from now on. A folder that is gone, as of a volume that is not mounted,
    /// is an error: it says nothing of the file.
    fn claim(&mut self, before: &mut impl FnMut(Step) -> io::Result<()>) -> io::Result<Place> {
        let place = Place::find(&self.path)?;
        let path = place.lock();
        if self.lock.as_ref().is_none_or(|(held, _)| *held != path) {
            before(Step::Lock)?;
            let lock = Lock::try_take(&path, metadata(&place)?.as_ref())?;
            let lock = lock.ok_or_else(|| io::Error::other(Taken))?;
            self.lock = Some((path, lock));
        }
        Ok(place)
    }
}

/// The file, if there is one.
fn open(place: &Place) -> io::Result<Option<File>> {
    match crate::fs::open(&place.file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Of the file, if there is one.
fn metadata(place: &Place) -> io::Result<Option<Metadata>> {
    match fs::metadata(&place.file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

//! Where a file really is, and the files beside it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::os::{self, Directory};

/// A file behind all links, since a rename would replace a link: the directory that holds it, and
/// its name there.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The path by which it was found, for messages.
    pub(crate) file: PathBuf,
    directory: Arc<Directory>,
    name: OsString,
}

impl Paths {
    /// Resolves a path. The file need not exist, its directory must.
    pub(crate) fn resolve(path: &Path) -> io::Result<Self> {
        let (directory, name) = os::find(path)?;
        Ok(Self::of(directory.into(), name))
    }

    fn of(directory: Arc<Directory>, name: OsString) -> Self {
        Self {
            file: directory.path().join(&name),
            directory,
            name,
        }
    }

    /// The file whose lock a writer holds. It is never removed while it is held: others wait with
    /// it open.
    pub(crate) fn lock(&self) -> Self {
        self.beside(".lock")
    }

    /// Holds the highest serial that was written.
    pub(crate) fn note(&self) -> Self {
        self.beside(".serial")
    }

    /// The same, as earlier versions named it. It is read and never written.
    pub(crate) fn old_note(&self) -> Self {
        self.beside(".generation")
    }

    /// The new content, until it is renamed.
    pub(crate) fn next(&self) -> Self {
        self.beside(".next")
    }

    /// The file beside a key file that says when its keys were used.
    pub(crate) fn used(&self) -> Self {
        self.beside(".used")
    }

    fn beside(&self, suffix: &str) -> Self {
        let mut name = self.name.clone();
        name.push(suffix);
        Self::of(Arc::clone(&self.directory), name)
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Opens the file for reading, or returns `None` if there is none.
    pub(crate) fn open_if_exists(&self) -> io::Result<Option<File>> {
        if_exists(self.directory.open(&self.name))
    }

    /// Opens the file to lock it, or returns `None` if there is none.
    #[cfg(feature = "keyring")]
    pub(super) fn open_to_lock(&self) -> io::Result<Option<File>> {
        if_exists(self.directory.open_to_lock(&self.name))
    }

    /// Creates the file, which its owner alone may read. Fails if the name is taken.
    pub(super) fn create_new(&self) -> io::Result<File> {
        self.directory.create_new(&self.name)
    }

    pub(super) fn remove_if_exists(&self) -> io::Result<()> {
        if_exists(self.directory.remove(&self.name)).map(drop)
    }

    /// Returns whether this file is the one of this name.
    #[cfg(feature = "keyring")]
    pub(super) fn is(&self, file: &File) -> io::Result<bool> {
        self.directory.holds(&self.name, file)
    }
}

fn if_exists<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

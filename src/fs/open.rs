//! Opens and removes files that may not exist.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::os;

/// Opens a file for reading, or returns `None` if there is none.
pub(crate) fn open_if_exists(path: &Path) -> io::Result<Option<File>> {
    if_exists(os::open(path))
}

/// Opens a file for writing and keeps its content. A new file is readable by its owner alone.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    os::owner_only(options.read(true).write(true).create(true).truncate(false));
    options.open(path)
}

/// Creates a file that is readable by its owner alone. Fails if the path is taken.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    os::owner_only(options.write(true).create_new(true));
    options.open(path)
}

/// Returns the metadata of the file that `path` leads to, or `None` if there is none.
pub(super) fn metadata_if_exists(path: &Path) -> io::Result<Option<Metadata>> {
    if_exists(fs::metadata(path))
}

pub(super) fn remove_if_exists(path: &Path) -> io::Result<()> {
    if_exists(fs::remove_file(path)).map(drop)
}

fn if_exists<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

//! The operations that every system has: no permission bits or owners, and no open that cannot
//! block.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::custody::Distrust;
use super::exposure::Exposure;

/// Opens the file, unless it is something else: opening a pipe, say, would wait for its other end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(ErrorKind::IsADirectory.into())
    }
}

/// A directory by its path: it cannot be held open everywhere.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

/// Follows all links, and returns the directory that holds the file, with its name. The file need
/// not exist, unless a link leads to it; its directory must.
pub(crate) fn find(path: &Path) -> io::Result<(Directory, OsString)> {
    let file = match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && is_nothing(path) => {
            let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
            directory_of(path)?.join(name)
        }
        // Either a link to nothing, or another process has created the file since.
        Err(error) if error.kind() == ErrorKind::NotFound => fs::canonicalize(path)?,
        found => found?,
    };
    let name = file.file_name().ok_or(ErrorKind::IsADirectory)?.to_owned();
    Ok((Directory(directory_of(&file)?), name))
}

/// Returns whether there is nothing at the path, not even a link.
fn is_nothing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn directory_of(path: &Path) -> io::Result<PathBuf> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    fs::canonicalize(directory.unwrap_or_else(|| Path::new(".")))
}

impl Directory {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn open(&self, name: &OsStr) -> io::Result<File> {
        open(&self.0.join(name))
    }

    #[cfg(feature = "keyring")]
    pub(crate) fn open_to_lock(&self, name: &OsStr) -> io::Result<File> {
        let path = self.0.join(name);
        OpenOptions::new().read(true).write(true).open(path)
    }

    pub(crate) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        let path = self.0.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).open(path)
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Returns `true`: only a write shows it.
    pub(crate) fn is_writable(&self) -> bool {
        true
    }

    /// Returns whether there is a file of this name; whether it is this one is not known here.
    #[cfg(feature = "keyring")]
    pub(crate) fn holds(&self, name: &OsStr, _: &File) -> io::Result<bool> {
        self.0.join(name).try_exists()
    }
}

/// Returns [`Exposure::Private`]: nothing is known here.
pub(crate) fn exposure(_: &Metadata) -> Exposure {
    Exposure::Private
}

/// Returns `None`: nothing is known here.
pub(crate) fn distrust(_: &Path, _: &Metadata, _: Option<u32>) -> Option<Distrust> {
    None
}

/// Returns `None`: nothing is known here.
#[cfg(feature = "keyring")]
pub(crate) fn distrust_directory(_: &Path, _: Option<u32>) -> Option<Distrust> {
    None
}

pub(crate) fn copy_access(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

pub(crate) fn copy_access_as_allowed(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "keyring")]
pub(crate) fn give_to_owner_of(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "keyring")]
pub(crate) fn give_to_writers_of(_: &File, _: &Directory) -> io::Result<()> {
    Ok(())
}

pub(crate) fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "keyring")]
pub(crate) fn is_trusted(_: u32) -> bool {
    true
}

#[cfg(feature = "keyring")]
pub(crate) fn is_owned_by(_: &Metadata, _: u32) -> bool {
    true
}

#[cfg(feature = "keyring")]
pub(crate) fn may_be_locked_by(found: &Metadata, _: impl Fn(u32) -> bool) -> Result<(), String> {
    if found.is_file() {
        Ok(())
    } else {
        Err("is not a regular file".into())
    }
}

#[cfg(feature = "keyring")]
pub(crate) fn is_open_to_others(_: &Metadata) -> bool {
    false
}

pub(crate) fn is_unsupported_sync(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported
}

#[cfg(feature = "keyring")]
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported
}

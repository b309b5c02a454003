//! Where the file is, and what lies beside it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The file itself, behind every link to it: a rename would replace a link.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Place {
    /// Finds the place of a file, which need not be there yet; its folder must be.
    pub(crate) fn find(path: &Path) -> io::Result<Self> {
        let file = match fs::canonicalize(path) {
            Err(error) if error.kind() == ErrorKind::NotFound && is_nothing(path) => {
                let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
                folder_of(path)?.join(name)
            }
            found => found?,
        };
        let folder = folder_of(&file)?;
        Ok(Self { file, folder })
    }

    /// Whose lock a writer holds. It stays: who waits for it has it open.
    pub(crate) fn lock(&self) -> PathBuf {
        self.beside(".lock")
    }

    /// Holds the highest serial that was written.
    pub(crate) fn note(&self) -> PathBuf {
        self.beside(".serial")
    }

    /// The same, as earlier versions named it. It is read and never written.
    pub(crate) fn old_note(&self) -> PathBuf {
        self.beside(".generation")
    }

    /// The next content, until it takes the file's place.
    pub(crate) fn next(&self) -> PathBuf {
        self.beside(".next")
    }

    /// The file beside this one that says when its keys were used.
    pub(crate) fn used(&self) -> Self {
        Self {
            file: self.beside(".used"),
            folder: self.folder.clone(),
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(&self.file);
        path.push(suffix);
        path.into()
    }
}

/// Whether there is not even a link.
fn is_nothing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn folder_of(path: &Path) -> io::Result<PathBuf> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    fs::canonicalize(folder.unwrap_or_else(|| Path::new(".")))
}

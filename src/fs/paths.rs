//! Where a file really is, and the names of the files beside it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The path of a file behind all links, since a rename would replace a link, and its directory.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) file: PathBuf,
    pub(crate) directory: PathBuf,
}

impl Paths {
    /// Resolves a path. The file need not exist, its directory must.
    pub(crate) fn resolve(path: &Path) -> io::Result<Self> {
        Self::resolve_by(path, |path| fs::canonicalize(path))
    }

    fn resolve_by(
        path: &Path,
        mut canonicalize: impl FnMut(&Path) -> io::Result<PathBuf>,
    ) -> io::Result<Self> {
        let file = match canonicalize(path) {
            Err(error) if error.kind() == ErrorKind::NotFound && is_nothing(path) => {
                let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
                directory_of(path)?.join(name)
            }
            // Either a link to nothing, or another process has created the file since.
            Err(error) if error.kind() == ErrorKind::NotFound => canonicalize(path)?,
            found => found?,
        };
        let directory = directory_of(&file)?;
        Ok(Self { file, directory })
    }

    /// The file whose lock a writer holds. It is never removed while it is held: others wait with
    /// it open.
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

    /// The new content, until it is renamed.
    pub(crate) fn next(&self) -> PathBuf {
        self.beside(".next")
    }

    /// The file beside a key file that says when its keys were used.
    pub(crate) fn used(&self) -> Self {
        Self {
            file: self.beside(".used"),
            directory: self.directory.clone(),
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(&self.file);
        path.push(suffix);
        path.into()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_created_meanwhile_is_resolved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let mut looks = 0;
        let paths = Paths::resolve_by(&path, |path| {
            looks += 1;
            let found = fs::canonicalize(path);
            fs::write(path, "").unwrap(); // by another process, after the first look
            found
        });
        assert_eq!(paths.unwrap().file, fs::canonicalize(&path).unwrap());
        assert_eq!(looks, 2);
    }
}

//! A directory with a key file, and writers of it. The tests in `tests/it/` use it, too.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory with a key file.
pub(crate) struct KeyFolder {
    directory: TempDir,
    pub(crate) path: PathBuf,
}

impl KeyFolder {
    pub(crate) fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = Self::empty();
        create(&folder.path).write_all(content.as_ref()).unwrap();
        folder
    }

    pub(crate) fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("openai");
        Self { directory, path }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Creates a file that only its owner may access.
pub(crate) fn create(path: &Path) -> File {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let options = options.write(true).create(true).truncate(true);
    options.open(path).unwrap()
}

/// Writes in place: the file is empty for a moment.
pub(crate) fn write(path: &Path, content: &str) {
    create(path).write_all(content.as_bytes()).unwrap();
}

/// Writes another file and renames it to this name.
pub(crate) fn replace(path: &Path, content: &str) {
    let temporary = path.with_extension("tmp");
    write(&temporary, content);
    fs::rename(temporary, path).unwrap();
}

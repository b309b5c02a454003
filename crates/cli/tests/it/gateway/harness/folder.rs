//! Files that a gateway reads.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir, tempdir};

/// A folder with a configuration file and what it names.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn empty() -> Self {
        Self(tempdir().unwrap())
    }

    pub(crate) fn new(config: &str) -> Self {
        let folder = Self::empty();
        folder.write("gateway.toml", config);
        folder
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("gateway.toml")
    }

    /// Renames a new file over the old one. `DIR` in the text stands for the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = NamedTempFile::new_in(&self.0).unwrap();
        let dir = self.0.path().to_str().unwrap();
        fs::write(&file, text.replace("DIR", dir)).unwrap();
        file.persist(self.path(name)).unwrap();
    }
}

//! A volume of Kubernetes. The tests in `tests/it/` use it, too.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::key_folder::write;

/// A volume as Kubernetes mounts it: `openai -> ..data/openai`, `..data -> ..VERSION`.
pub(crate) struct Volume {
    root: PathBuf,
    version: u32,
}

impl Volume {
    pub(crate) fn new(root: PathBuf, content: &str) -> Self {
        fs::create_dir(&root).unwrap();
        symlink("..data/openai", root.join("openai")).unwrap();
        let mut volume = Self { root, version: 0 };
        volume.swap(content);
        volume
    }

    /// Swaps the volume as the kubelet does: it creates a directory, renames a link to it over the
    /// old link, and removes the old directory.
    pub(crate) fn swap(&mut self, content: &str) {
        let old = self.root.join(format!("..{}", self.version));
        self.version += 1;
        let new = format!("..{}", self.version);
        fs::create_dir(self.root.join(&new)).unwrap();
        write(&self.root.join(&new).join("openai"), content);
        symlink(&new, self.root.join("..data_tmp")).unwrap();
        fs::rename(self.root.join("..data_tmp"), self.root.join("..data")).unwrap();
        if old.exists() {
            fs::remove_dir_all(old).unwrap();
        }
    }
}

//! Writers of the key file, in each way that files are rewritten.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// The gateway believes content that has stayed the same for 50 ms. A writer that is kept from
/// writing for that long has not torn its file: it has written something else.
const STALL: Duration = Duration::from_millis(40);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    InPlace,
    Rename,
    Kubernetes,
    Torn,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::InPlace, Self::Rename, Self::Kubernetes, Self::Torn];
}

/// A folder as Kubernetes mounts it: `key → ..data/key`, `..data → ..1`, `..1/key`.
#[derive(Clone)]
pub(crate) struct Mount(PathBuf);

impl Mount {
    pub(crate) fn new(folder: &Path, key: &str) -> Self {
        let mount = Self(folder.to_owned());
        mount.swap(key);
        symlink("..data/key", mount.file()).unwrap();
        mount
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("key")
    }

    /// Writes a key, when awaited. Whether the writer was kept from it in between.
    pub(crate) async fn write(&self, way: Way, key: String) -> bool {
        let mount = self.clone();
        spawn_blocking(move || {
            let before = Instant::now();
            match way {
                Way::InPlace => fs::write(mount.file(), &key).unwrap(),
                Way::Rename => mount.rename(&key),
                Way::Kubernetes => mount.swap(&key),
                Way::Torn => return mount.tear(&key),
            }
            matches!(way, Way::InPlace) && before.elapsed() > STALL
        })
        .await
        .unwrap()
    }

    /// A new file in the place of the old one.
    fn rename(&self, key: &str) {
        let new = self.0.join("..data/.new");
        fs::write(&new, key).unwrap();
        fs::rename(new, self.0.join("..data/key")).unwrap();
    }

    /// A new folder in the place of the old one, which is removed.
    fn swap(&self, key: &str) {
        let link = self.0.join("..data");
        let old = fs::read_link(&link).ok();
        let new = tempfile::Builder::new()
            .prefix("..")
            .tempdir_in(&self.0)
            .unwrap()
            .keep();
        fs::write(new.join("key"), key).unwrap();
        let next = self.0.join("..data_tmp");
        symlink(new.file_name().unwrap(), &next).unwrap();
        fs::rename(next, link).unwrap();
        if let Some(old) = old {
            fs::remove_dir_all(self.0.join(old)).unwrap();
        }
    }

    /// Truncates the file and writes it in pieces.
    fn tear(&self, key: &str) -> bool {
        let mut file = fs::File::create(self.file()).unwrap();
        let mut longest = Duration::ZERO;
        for piece in key.as_bytes().chunks(key.len().div_ceil(4)) {
            let before = Instant::now();
            sleep(Duration::from_millis(3)); // not to wait for anything: this is the tear
            file.write_all(piece).unwrap();
            longest = longest.max(before.elapsed());
        }
        longest > STALL
    }
}

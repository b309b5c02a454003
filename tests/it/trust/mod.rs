//! Files and directories that another user owns.

mod custody;
mod hostile;
mod services;
mod swaps;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

use tempfile::TempDir;

/// Another user than the one of this process.
const OTHER: u32 = 61_001;

/// Returns a directory that everybody may enter, or `None`, with a line that says so, if this
/// process may not give files away.
fn folder_of_root() -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    if fs::metadata(&folder).unwrap().uid() != 0 {
        eprintln!("skipped: only root can give a file to another user");
        return None;
    }
    set_mode(folder.path(), 0o755);
    Some(folder)
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn give(path: &Path, uid: u32) {
    chown(path, Some(uid), Some(uid)).unwrap();
}

/// A file of root in a directory of root, and all that is known of it.
struct Victim {
    folder: TempDir,
    before: String,
}

impl Victim {
    const NAME: &str = "keys.toml";

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Self::NAME);
        fs::write(&path, "version = 1\nserial = 7\n").unwrap();
        set_mode(&path, 0o604);
        let mut victim = Self {
            folder,
            before: String::new(),
        };
        victim.before = victim.look();
        victim
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(Self::NAME)
    }

    /// Returns what there is in the directory, with content, owner and mode.
    fn look(&self) -> String {
        let mut lines = Vec::new();
        for entry in fs::read_dir(&self.folder).unwrap() {
            let entry = entry.unwrap();
            let found = entry.metadata().unwrap();
            let (uid, gid, mode) = (found.uid(), found.gid(), found.mode());
            let text = fs::read_to_string(entry.path()).unwrap();
            let name = entry.file_name();
            lines.push(format!("{name:?} {uid} {gid} {mode:o} {text:?}"));
        }
        lines.sort();
        lines.join("\n")
    }

    #[track_caller]
    fn is_untouched(&self, case: &str) {
        assert_eq!(self.look(), self.before, "{case}");
    }
}

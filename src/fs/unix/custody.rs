//! Whether another user could replace a file.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::walk::is_trusted;
use crate::fs::custody::Distrust;

/// Says who else could replace a file that is open, by its owner and by the directories that hold
/// it and the last link to it. `expected` names the owner; without it, this user and root are.
pub(crate) fn distrust(path: &Path, found: &Metadata, expected: Option<u32>) -> Option<Distrust> {
    let uid = found.uid();
    if expected.map_or(!is_trusted(uid), |expected| expected != uid) {
        return Some(Distrust::Owner { uid });
    }
    distrust_directory(path, expected)
}

/// Says who else could replace a file by writing in the directories that hold it and the last link
/// to it.
pub(crate) fn distrust_directory(path: &Path, expected: Option<u32>) -> Option<Distrust> {
    let trusted = |uid| is_trusted(uid) || Some(uid) == expected;
    let target = fs::canonicalize(path).ok();
    let paths = [Some(path), target.as_deref()];
    paths.into_iter().flatten().find_map(|path| {
        let path = std::path::absolute(path).ok()?;
        let entry = fs::symlink_metadata(&path).map_or(0, |entry| entry.uid());
        let directory = path.parent()?;
        let holder = fs::metadata(directory).ok()?;
        let (uid, mode) = (holder.uid(), holder.mode() & 0o7777);
        can_be_replaced(uid, mode, entry, trusted).then(|| Distrust::Directory {
            path: directory.to_owned(),
            uid,
            mode,
        })
    })
}

/// Returns whether somebody who is not trusted can replace an entry of a directory.
fn can_be_replaced(holder: u32, mode: u32, entry: u32, is_trusted: impl Fn(u32) -> bool) -> bool {
    let is_sticky = mode & 0o1000 != 0;
    !is_trusted(holder) || (mode & 0o022 != 0 && !(is_sticky && is_trusted(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_of_a_private_or_sticky_folder_is_held_fast() {
        // A directory's owner and mode, and the owner of the entry: 1 is trusted, 2 is not.
        for (holder, mode, entry, expected) in [
            (1, 0o755, 1, false),
            (1, 0o700, 2, false),
            // The volume of a Kubernetes secret.
            (1, 0o1777, 1, false),
            (1, 0o1777, 2, true),
            // An `emptyDir`.
            (1, 0o777, 1, true),
            (1, 0o775, 1, true),
            (2, 0o755, 1, true),
            (2, 0o1777, 1, true),
        ] {
            let found = can_be_replaced(holder, mode, entry, |uid| uid == 1);
            assert_eq!(found, expected, "{holder} {mode:o} {entry}");
        }
    }
}

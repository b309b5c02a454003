//! What the file system says of a file without a look at its content.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;

use crate::source::file::facts::Pinned;

/// What differs once a file has changed: another file has the name, or its content or its inode was
/// written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Signature {
    pub(crate) fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Returns whether both are of one file, whatever was written to it in between.
    pub(crate) const fn is_same_file(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }
}

/// Returns why an open file may never change.
pub(crate) fn pinned(file: &File, metadata: &Metadata) -> Option<Pinned> {
    if metadata.nlink() == 0 {
        Some(Pinned::NoLinks)
    } else {
        is_mount_point(file).then_some(Pinned::MountPoint)
    }
}

#[cfg(target_os = "linux")]
fn is_mount_point(file: &File) -> bool {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

    // Kernels before 5.8 do not tell.
    statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
const fn is_mount_point(_: &File) -> bool {
    false
}

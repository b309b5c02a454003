//! What Unix can do: owners, permission bits, a folder that is written to the disk.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::OFlags;

/// Creates a file for its owner alone, and follows no link.
pub(super) fn private(options: &mut OpenOptions) {
    options.mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits() as i32);
}

/// Gives a new file to whom the old one was for: a gateway goes on reading what its operator writes.
pub(super) fn adopt(file: &File, old: Option<&Metadata>) -> io::Result<()> {
    match old {
        Some(metadata) => give(file, old, metadata.mode()),
        None => Ok(()),
    }
}

/// Gives a file to the owner of another, with this mode.
pub(super) fn give(file: &File, like: Option<&Metadata>, mode: u32) -> io::Result<()> {
    let found = file.metadata()?;
    if let Some(like) = like {
        if (found.uid(), found.gid()) != (like.uid(), like.gid()) {
            fchown(file, Some(like.uid()), Some(like.gid()))?;
        }
    }
    if found.mode() & 0o777 != mode & 0o777 {
        file.set_permissions(Permissions::from_mode(mode & 0o777))?;
    }
    Ok(())
}

/// Whether the file is the one that is found at `path`.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        found => found.map(|found| (found.dev(), found.ino()) == (ours.dev(), ours.ino())),
    }
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

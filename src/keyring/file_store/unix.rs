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

/// Gives a file to the owner of another, with this mode: a gateway goes on reading what its operator writes.
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

pub(super) fn mode(of: &Metadata) -> u32 {
    of.mode()
}

/// The same, by a user who may not give it to everybody: where its group cannot be told, its group may not read it.
pub(super) fn give_as_far_as_allowed(file: &File, like: &Metadata) -> io::Result<()> {
    let owner = fchown(file, Some(like.uid()), Some(like.gid()));
    let group = owner.or_else(|_| fchown(file, None, Some(like.gid())));
    let mode = match group {
        Ok(()) => like.mode() & 0o777,
        Err(_) => like.mode() & 0o707,
    };
    file.set_permissions(Permissions::from_mode(mode))
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

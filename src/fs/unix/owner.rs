//! What Unix can do: owners, permission bits, a folder that is written to the disk.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::OFlags;

use super::acl;

/// Creates a file for its owner alone, and follows no link.
pub(crate) fn private(options: &mut OpenOptions) {
    options.mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits() as i32);
}

/// Gives a file to the owner of another, with this mode.
pub(crate) fn give(file: &File, like: Option<&Metadata>, mode: u32) -> io::Result<()> {
    if let Some(like) = like {
        own(file, like)?;
    }
    set_mode(file, mode)
}

/// Gives a file to all whom another is for: a gateway goes on reading what its operator writes.
pub(crate) fn give_to_readers_of(old: &File, file: &File) -> io::Result<()> {
    let like = old.metadata()?;
    own(file, &like)?;
    // Before the mode: its bits for the group are for whoever is on the list where there is one.
    acl::copy(old, file)?;
    set_mode(file, like.mode())
}

/// The same, by a user who may not give it to everybody: where its group cannot be told, or is not all, no group may read it.
pub(crate) fn give_as_far_as_allowed(old: &File, file: &File) -> io::Result<()> {
    let like = old.metadata()?;
    let owner = fchown(file, Some(like.uid()), Some(like.gid()));
    let group = owner.or_else(|_| fchown(file, None, Some(like.gid())));
    let is_for_its_group = group.is_ok() && acl::read(old)?.is_none();
    set_mode(
        file,
        if is_for_its_group {
            like.mode()
        } else {
            like.mode() & 0o707
        },
    )
}

fn own(file: &File, like: &Metadata) -> io::Result<()> {
    let found = file.metadata()?;
    if (found.uid(), found.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    if file.metadata()?.mode() & 0o777 == mode & 0o777 {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode & 0o777))
}

/// Whether the file is the one that is found at `path`.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        found => found.map(|found| (found.dev(), found.ino()) == (ours.dev(), ours.ino())),
    }
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

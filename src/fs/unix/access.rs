//! Owners, permission bits, and directories that can be synced.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::OFlags;

use super::acl;

/// Makes a file that is created readable by its owner alone, and an open that follows no link.
pub(crate) fn owner_only(options: &mut OpenOptions) {
    options.mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits() as i32);
}

/// Gives a file the owner of another one, and a mode.
pub(crate) fn set_access(file: &File, like: Option<&Metadata>, mode: u32) -> io::Result<()> {
    if let Some(like) = like {
        set_owner(file, like)?;
    }
    set_mode(file, mode)
}

/// Copies owner, mode and ACL: a service goes on reading what its operator writes.
pub(crate) fn copy_access(from: &File, to: &File) -> io::Result<()> {
    let like = from.metadata()?;
    set_owner(to, &like)?;
    // Before the mode: where there is an ACL, the mode's bits for the group are its mask.
    acl::copy(from, to)?;
    set_mode(to, like.mode())
}

/// Copies owner and mode as far as this user may. The group gets no access if the file cannot be
/// given to it, or if it has an ACL, which is not copied.
pub(crate) fn copy_access_as_allowed(from: &File, to: &File) -> io::Result<()> {
    let like = from.metadata()?;
    let owner = fchown(to, Some(like.uid()), Some(like.gid()));
    let group = owner.or_else(|_| fchown(to, None, Some(like.gid())));
    let is_for_its_group = group.is_ok() && acl::read(from)?.is_none();
    set_mode(
        to,
        if is_for_its_group {
            like.mode()
        } else {
            like.mode() & 0o707
        },
    )
}

fn set_owner(file: &File, like: &Metadata) -> io::Result<()> {
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

/// Returns whether this file is the one at `path`.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        found => found.map(|found| (found.dev(), found.ino()) == (ours.dev(), ours.ino())),
    }
}

pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

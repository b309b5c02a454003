//! Owners, permission bits, and locks that only some may take.
//!
//! Owner and mode are changed only of a file that this process has created.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use super::acl;
use super::directory::Directory;

/// Gives a new file to the owner of another one.
pub(crate) fn give_to_owner_of(file: &File, like: &Metadata) -> io::Result<()> {
    set_owner(file, like.uid(), like.gid())
}

/// Gives a new file to those who may write in its directory, as far as this user may: they could
/// replace it anyway.
pub(crate) fn give_to_writers_of(file: &File, directory: &Directory) -> io::Result<()> {
    let holder = directory.stat()?;
    let owner = set_owner(file, holder.st_uid, holder.st_gid);
    let group = owner.or_else(|_| fchown(file, None, Some(holder.st_gid)));
    let mut mode = 0o600;
    if holder.st_mode & 0o020 != 0 && group.is_ok() {
        mode |= 0o060;
    }
    if holder.st_mode & 0o002 != 0 {
        mode |= 0o006;
    }
    set_mode(file, mode)
}

/// Copies owner, mode and ACL: a service goes on reading what its operator writes.
pub(crate) fn copy_access(from: &File, to: &File) -> io::Result<()> {
    let like = from.metadata()?;
    set_owner(to, like.uid(), like.gid())?;
    // Before the mode: where there is an ACL, the mode's bits for the group are its mask.
    acl::copy(from, to)?;
    set_mode(to, like.mode())
}

/// Copies owner, mode and ACL as far as this user may. The group gets no access if the file cannot
/// be given to it.
pub(crate) fn copy_access_as_allowed(from: &File, to: &File) -> io::Result<()> {
    let like = from.metadata()?;
    let owner = set_owner(to, like.uid(), like.gid());
    let group = owner.or_else(|_| fchown(to, None, Some(like.gid())));
    let list = acl::read(from)?;
    let (list, mode) = match (list, group.is_ok()) {
        (list, true) => (list, like.mode()),
        (Some(list), false) => (Some(acl::without_group(list)), like.mode()),
        (None, false) => (None, like.mode() & 0o707),
    };
    acl::write(to, list.as_deref())?;
    set_mode(to, mode)
}

/// Sets the permission bits of a new file.
pub(crate) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    if file.metadata()?.mode() & 0o777 == mode & 0o777 {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode & 0o777))
}

/// Says why an existing file is not a lock to take, if it is not: others could hold it, or it is
/// something else.
pub(crate) fn may_be_locked_by(
    found: &Metadata,
    is_owner: impl Fn(u32) -> bool,
) -> Result<(), String> {
    if !found.is_file() {
        return Err("is not a regular file".into());
    }
    // 0: somebody has removed it since, which the caller finds out.
    if found.nlink() > 1 {
        return Err(format!("has {} links", found.nlink()));
    }
    let uid = found.uid();
    if !is_owner(uid) {
        return Err(format!("belongs to user {uid}, who could hold it"));
    }
    Ok(())
}

pub(crate) fn is_owned_by(found: &Metadata, uid: u32) -> bool {
    found.uid() == uid
}

/// Returns whether the group or everybody may open the file.
pub(crate) fn is_open_to_others(found: &Metadata) -> bool {
    found.mode() & 0o077 != 0
}

fn set_owner(file: &File, uid: u32, gid: u32) -> io::Result<()> {
    let found = file.metadata()?;
    if (found.uid(), found.gid()) == (uid, gid) {
        return Ok(());
    }
    fchown(file, Some(uid), Some(gid))
}

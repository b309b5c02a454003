//! The POSIX access control list (ACL) of a file, which refines its mode.

use std::fs::File;
use std::io;

use rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

const NAME: &str = "system.posix_acl_access";

/// The longest attribute that Linux allows.
const MAX_BYTES: usize = 64 * 1024;

/// Copies the ACL. Removes it from `to` if `from` has none, since a directory may have default
/// ACLs.
pub(crate) fn copy(from: &File, to: &File) -> io::Result<()> {
    match read(from)? {
        Some(list) => fsetxattr(to, NAME, &list, XattrFlags::empty())?,
        None => match fremovexattr(to, NAME) {
            Err(error) if !is_none(error) => return Err(error.into()),
            _ => {}
        },
    }
    Ok(())
}

/// Returns the ACL, if there is one.
pub(crate) fn read(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut list = vec![0; MAX_BYTES];
    match fgetxattr(file, NAME, &mut list[..]) {
        Ok(length) => {
            list.truncate(length);
            Ok(Some(list))
        }
        Err(error) if is_none(error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether the file has no ACL, or its file system has none.
fn is_none(error: Errno) -> bool {
    error == Errno::NODATA || error == Errno::OPNOTSUPP
}

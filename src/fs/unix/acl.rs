//! The access control list of a file, which says more of who may read it than its mode.

use std::fs::File;
use std::io;

use rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

const NAME: &str = "system.posix_acl_access";

/// As long as an attribute may be.
const MAX_BYTES: usize = 64 * 1024;

/// Gives a file the list of another, or none, where that has none: one may come with the folder.
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

/// The list, if there is one.
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

/// The file has none, or no file there can have one.
fn is_none(error: Errno) -> bool {
    error == Errno::NODATA || error == Errno::OPNOTSUPP
}

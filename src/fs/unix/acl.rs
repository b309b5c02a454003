//! The POSIX access control list (ACL) of a file, which refines its mode.

use std::fs::File;
use std::io;

use rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

const NAME: &str = "system.posix_acl_access";

/// The longest attribute that Linux allows.
const MAX_BYTES: usize = 64 * 1024;

/// The entry of the owning group, whose rights stand after its tag of two bytes.
const GROUP: [u8; 2] = 4_u16.to_le_bytes();

/// Copies the ACL.
pub(crate) fn copy(from: &File, to: &File) -> io::Result<()> {
    write(to, read(from)?.as_deref())
}

/// Sets the ACL. Removes it if `list` is `None`, since a directory may have default ACLs.
pub(crate) fn write(to: &File, list: Option<&[u8]>) -> io::Result<()> {
    match list {
        Some(list) => fsetxattr(to, NAME, list, XattrFlags::empty())?,
        None => match fremovexattr(to, NAME) {
            Err(error) if !is_none(error) => return Err(error.into()),
            _ => {}
        },
    }
    Ok(())
}

/// Returns the ACL without any rights of the owning group.
pub(crate) fn without_group(mut list: Vec<u8>) -> Vec<u8> {
    // A version of four bytes, then entries of eight: tag, rights, id.
    for entry in list.get_mut(4..).unwrap_or_default().chunks_exact_mut(8) {
        if entry[..2] == GROUP {
            entry[2..4].fill(0);
        }
    }
    list
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::unix::copy_access_as_allowed;

    /// The owner may read and write, user 1234 and the group may read, others nothing.
    fn list() -> Vec<u8> {
        // Each entry: tag, rights, id.
        let entries: [(u16, u16, u32); 5] = [
            (0x01, 6, u32::MAX),
            (0x02, 4, 1234),
            (0x04, 4, u32::MAX),
            (0x10, 4, u32::MAX),
            (0x20, 0, u32::MAX),
        ];
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, may, who) in entries {
            list.extend(tag.to_le_bytes());
            list.extend(may.to_le_bytes());
            list.extend(who.to_le_bytes());
        }
        list
    }

    #[test]
    fn access_as_allowed_keeps_the_acl() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name| File::create(folder.path().join(name)).unwrap();
        let (from, to) = (file("from"), file("to"));
        if let Err(error) = write(&from, Some(&list())) {
            eprintln!("skipped: no access control lists here: {error}");
            return;
        }
        copy_access_as_allowed(&from, &to).unwrap();
        assert_eq!(read(&to).unwrap(), Some(list()));
        copy_access_as_allowed(&file("third"), &to).unwrap();
        assert_eq!(read(&to).unwrap(), None);
    }

    #[test]
    fn acl_without_group_keeps_all_others() {
        let mut expected = list();
        // The third entry, after a version of four bytes and two entries of eight.
        assert_eq!(expected[20..24], [4, 0, 4, 0]);
        expected[22] = 0;
        assert_eq!(without_group(list()), expected);
        assert_eq!(without_group(Vec::new()), Vec::<u8>::new());
    }
}

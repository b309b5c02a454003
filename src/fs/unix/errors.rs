//! What an error number means for a step of a write.

use std::io;

use rustix::io::Errno;

/// Returns whether the file system has no sync of directories: then a rename needs none, or nothing
/// better can be had.
pub(crate) fn is_unsupported_sync(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::INVAL, Errno::OPNOTSUPP, Errno::NOTSUP])
}

/// Returns whether the file system, or its server, has no locks.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    let none = [
        Errno::NOLCK,
        Errno::NOSYS,
        Errno::INVAL,
        Errno::OPNOTSUPP,
        Errno::NOTSUP,
    ];
    is_one_of(error, &none)
}

fn is_one_of(error: &io::Error, of: &[Errno]) -> bool {
    let number = error.raw_os_error();
    number.is_some_and(|number| of.iter().any(|errno| errno.raw_os_error() == number))
}

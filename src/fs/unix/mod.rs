//! The operations of Unix: opens that never block, directories held open, permission bits, owners.

mod access;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod acl;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "no_acl.rs"]
mod acl;
mod custody;
mod directory;
mod errors;
mod open;
mod walk;

pub(crate) use self::access::{
    copy_access, copy_access_as_allowed, give_to_owner_of, give_to_writers_of, is_open_to_others,
    is_owned_by, may_be_locked_by, set_mode,
};
pub(crate) use self::custody::{distrust, distrust_directory};
pub(crate) use self::directory::Directory;
pub(crate) use self::errors::{has_no_locks, is_unsupported_sync};
pub(crate) use self::open::{exposure, open};
pub(crate) use self::walk::{find, is_trusted};

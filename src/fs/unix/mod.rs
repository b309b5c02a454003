//! The operations of Unix: an open that never blocks, permission bits, owners.

mod access;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod acl;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "no_acl.rs"]
mod acl;
mod open;

pub(crate) use self::access::{
    copy_access, copy_access_as_allowed, is_at, owner_only, set_access, sync_directory,
};
pub(crate) use self::open::{exposure, open};

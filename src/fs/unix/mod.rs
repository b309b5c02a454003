//! What Unix can do: an open that never hangs, permission bits, owners.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod acl;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "no_acl.rs"]
mod acl;
mod open;
mod owner;

pub(crate) use self::open::{exposure, open};
pub(crate) use self::owner::{
    give, give_as_far_as_allowed, give_to_readers_of, is_at, private, sync_folder,
};

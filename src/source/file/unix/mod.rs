//! The watch on Unix, and what its file systems say of a file.

mod events;
mod link_chain;
mod signature;
mod watch;

pub(crate) use self::signature::{Signature, pinned};
pub(crate) use self::watch::Watch;

//! The watch on Unix.

mod events;
mod link_chain;
mod watch;

pub(crate) use self::watch::Watch;

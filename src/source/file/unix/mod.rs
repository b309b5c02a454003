//! What Unix can do: a watch.

mod events;
mod link_chain;
mod watch;

pub(crate) use self::watch::Watch;

//! What Unix can do: a watch.

mod link_chain;
mod watch;
mod watcher;

pub(crate) use self::watch::Watch;

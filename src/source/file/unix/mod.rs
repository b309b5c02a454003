//! What Unix can do: a watch.

mod ears;
mod trail;
mod watch;

pub(super) use self::watch::Watch;

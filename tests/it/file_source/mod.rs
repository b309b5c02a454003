//! The file source, on real files.
//!
//! Time is virtual. It advances while a test waits for an event of the file system, so the wait
//! ends with the event, or after a hundred virtual days.

mod content;
mod faults;
mod start;
mod support;
mod torn;

#[cfg(unix)]
mod volume;

#[cfg(all(unix, not(portable_only)))]
mod mounted;
#[cfg(all(unix, not(portable_only)))]
mod not_a_key;
#[cfg(all(unix, not(portable_only)))]
mod permissions;
#[cfg(all(unix, not(portable_only)))]
mod unwatched;
#[cfg(all(unix, not(portable_only)))]
mod watch;

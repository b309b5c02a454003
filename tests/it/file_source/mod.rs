//! The file source, on real files.
//!
//! Time is virtual. Where a file system's events are waited for, it runs on while the test is idle, so that
//! a wait ends with the event, or after a hundred virtual days of nothing.

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
mod permissions;
#[cfg(all(unix, not(portable_only)))]
mod unwatched;
#[cfg(all(unix, not(portable_only)))]
mod watch;

//! The file source, on real files.
//!
//! Time is virtual. It advances while a test waits for an event of the file system, so the wait
//! ends with the event, or after a hundred virtual days.

mod content;
mod faults;
#[path = "../../../src/source/file/tests/key_folder.rs"]
mod key_folder;
mod start;
mod support;
mod torn;

#[cfg(unix)]
#[path = "../../../src/source/file/tests/volume.rs"]
mod kubernetes;
#[cfg(unix)]
mod volume;

#[cfg(all(unix, not(portable_only)))]
mod not_a_key;
#[cfg(all(unix, not(portable_only)))]
mod permissions;
#[cfg(all(unix, not(portable_only)))]
mod watch;

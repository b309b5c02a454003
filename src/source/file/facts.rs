//! What the system says of a file and its watch.

use std::error::Error;

/// Why the watch could not be set up.
pub(crate) type WatchError = Box<dyn Error + Send + Sync>;

/// Why a file may never change, whatever its writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix tells")
)]
pub(crate) enum Pinned {
    /// The file itself is mounted, rather than its folder.
    MountPoint,
    /// The file has no name any more: it was replaced or removed where it is mounted from.
    NoLinks,
}

/// Where a file is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    not(all(target_os = "linux", not(portable_only))),
    expect(dead_code, reason = "only Linux tells")
)]
pub(crate) enum Storage {
    /// On this machine, so a look at what was read a moment ago takes microseconds.
    Local,
    /// Perhaps on another machine, which may not answer.
    #[default]
    Unknown,
}

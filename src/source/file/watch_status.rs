//! Whether a file is being watched.

use std::error::Error;

/// Whether changes of the file will be heard of.
#[derive(Debug)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix is watched")
)]
pub(crate) enum WatchStatus {
    Active,
    /// The watch cannot be had.
    Failed(Box<dyn Error + Send + Sync>),
    /// There is none: it is not wanted, or this system has none.
    Off,
}

//! Whether a file is being watched.

use std::error::Error;

/// Whether changes of the file cause events.
#[derive(Debug)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix is watched")
)]
pub(crate) enum WatchStatus {
    Active,
    /// The watch could not be set up.
    Failed(Box<dyn Error + Send + Sync>),
    /// There is no watch: it is switched off, or this system has none.
    Off,
}

//! How often a source is asked.

use std::time::Duration;

/// The interval at which a source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshInterval {
    pub(crate) poll: Option<Duration>,
    pub(crate) min_interval: Duration,
}

impl RefreshInterval {
    /// Creates an interval: at least one fetch every `poll`, and at most one every `min_interval`.
    ///
    /// `poll` applies even if the value expires later. A `min_interval` below 1 ms counts as 1 ms.
    #[must_use]
    pub const fn new(poll: Duration, min_interval: Duration) -> Self {
        Self {
            poll: Some(poll),
            min_interval,
        }
    }
}

impl Default for RefreshInterval {
    /// Returns the default: ahead of the value's expiry, or every 60 s if it has none, and at most
    /// once per second.
    fn default() -> Self {
        Self {
            poll: None,
            min_interval: Duration::from_secs(1),
        }
    }
}

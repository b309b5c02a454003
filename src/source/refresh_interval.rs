//! How often a source is asked.

use std::time::Duration;

/// How often a source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshInterval {
    pub(crate) poll: Option<Duration>,
    pub(crate) min_interval: Duration,
}

impl RefreshInterval {
    /// Asked at least every `poll`, also where a value tells when it expires, and at most every
    /// `min_interval` (which is a millisecond or more).
    #[must_use]
    pub const fn new(poll: Duration, min_interval: Duration) -> Self {
        Self {
            poll: Some(poll),
            min_interval,
        }
    }
}

impl Default for RefreshInterval {
    /// As the value's expiry asks, every 60 s where it has none, and at most once a second.
    fn default() -> Self {
        Self {
            poll: None,
            min_interval: Duration::from_secs(1),
        }
    }
}

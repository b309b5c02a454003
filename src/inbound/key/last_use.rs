//! When a key was last used, to the minute.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// How often a request writes it down at the most: cores that let the same key in would else wait for one another.
const SECONDS: u64 = 60;

/// The second of the last use since 1970, or of one a minute before it; 0 where there was none.
///
/// It is no part of what a record says: records that differ in nothing else are equal.
#[derive(Debug)]
pub(crate) struct LastUse(AtomicU64);

impl LastUse {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn note(&self, now: SystemTime) {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let before = self.0.load(Ordering::Relaxed);
        if now.as_secs() >= before.saturating_add(SECONDS) {
            self.0.store(now.as_secs(), Ordering::Relaxed);
        }
    }

    /// Takes over what another has noted, where that is later.
    pub(crate) fn take_over(&self, other: &Self) {
        let noted = other.0.load(Ordering::Relaxed);
        self.0.fetch_max(noted, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<SystemTime> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            seconds => Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }
}

impl Clone for LastUse {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

impl PartialEq for LastUse {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LastUse {}

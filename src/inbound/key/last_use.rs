//! When a key was last used, to the minute.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// How old a note must be before a request writes a new one, in seconds.
///
/// A core that writes a record makes the others fetch it again. On two threads, a note for each
/// request doubles what reading the record and noting costs, from 12 to 24 ns: see
/// `docs/key-set.md`, printed by `cargo bench --bench key_set`.
const SECONDS: u64 = 60;

/// The time of a key's last use, up to a minute early, in seconds since 1970; 0 if there is none.
///
/// It is not part of what a record says: records that differ in nothing else are equal.
#[derive(Debug)]
pub(crate) struct LastUse(AtomicU64);

/// Whether a use is the one that was noted for its minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    Now,
    Before,
}

impl LastUse {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Notes a use, if the last note is a minute old.
    pub(crate) fn note(&self, now: SystemTime) -> Noted {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        // Relaxed: nothing else is read by this number, and two writers note the same minute.
        let before = self.0.load(Ordering::Relaxed);
        if now.as_secs() < before.saturating_add(SECONDS) {
            return Noted::Before;
        }
        // Of two writers, one has noted it.
        let (now, order) = (now.as_secs(), Ordering::Relaxed);
        match self.0.compare_exchange(before, now, order, order) {
            Ok(_) => Noted::Now,
            Err(_) => Noted::Before,
        }
    }

    /// Takes over the note of another record of the same key, if that is later.
    pub(crate) fn take_over(&self, other: &Self) {
        let noted = other.0.load(Ordering::Relaxed);
        // The greatest and not the newest: a request may note a use of this record meanwhile.
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
    // Always equal: a use must not make a set differ from itself, and be published as a change.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LastUse {}

//! A value with its generation, and what the upstream thinks of it.

use super::proven::Proven;
use crate::clock::Now;
use crate::generation::Generation;
use std::sync::atomic::{AtomicBool, Ordering};

/// A value with its generation, and whether the upstream accepts it.
///
/// It is shared by all snapshots of one generation.
pub(crate) struct Content<T> {
    pub(crate) value: T,
    pub(crate) generation: Generation,
    /// When the source was asked for the value.
    pub(crate) obtained: Now,
    /// Whether the upstream has accepted it at least once. Never reset.
    proven: AtomicBool,
    /// Whether the last report was a rejection.
    rejected: AtomicBool,
}

impl<T> Content<T> {
    pub(crate) const fn new(value: T, generation: Generation, obtained: Now) -> Self {
        Self {
            value,
            generation,
            obtained,
            proven: AtomicBool::new(false),
            rejected: AtomicBool::new(false),
        }
    }

    pub(crate) fn proven(&self) -> Proven {
        // Relaxed: the flag only ever goes up and guards no other data. Acquire pairs with
        // `reject`.
        if !self.proven.load(Ordering::Relaxed) {
            Proven::No
        } else if self.rejected.load(Ordering::Acquire) {
            Proven::RejectedSince
        } else {
            Proven::Yes
        }
    }

    /// Records that the upstream accepted it. Returns whether that was the first time.
    pub(crate) fn accept(&self) -> bool {
        // Cleared before `proven` is set, so that a first acceptance rarely shows as rejected
        // since. A thread that still sees the old mark only waits for a refresh that is under way.
        self.rejected.store(false, Ordering::Release);
        // The swap gives `true` to one caller alone; the load spares later ones the write.
        !self.proven.load(Ordering::Relaxed) && !self.proven.swap(true, Ordering::Relaxed)
    }

    /// Records a rejection.
    pub(crate) fn reject(&self) {
        // Release: who sees the mark also sees the command that was queued before it.
        self.rejected.store(true, Ordering::Release);
    }
}

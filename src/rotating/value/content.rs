//! What moves with the generation, and what is known of it.

use super::proven::Proven;
use crate::clock::Now;
use crate::generation::Generation;
use std::sync::atomic::{AtomicBool, Ordering};

/// What moves with the generation, and what is known of it.
pub(crate) struct Content<T> {
    pub(crate) value: T,
    pub(crate) generation: Generation,
    /// When the source was asked for it.
    pub(crate) obtained: Now,
    proven: AtomicBool,
    /// Whether the last that was heard of it is a rejection.
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
        if !self.proven.load(Ordering::Relaxed) {
            Proven::No
        } else if self.rejected.load(Ordering::Acquire) {
            Proven::RejectedSince
        } else {
            Proven::Yes
        }
    }

    /// Notes an answer that was not a rejection; whether it was the first.
    pub(crate) fn accept(&self) -> bool {
        self.rejected.store(false, Ordering::Release);
        !self.proven.load(Ordering::Relaxed) && !self.proven.swap(true, Ordering::Relaxed)
    }

    /// Notes a rejection. Whatever was done about it before, whoever sees the note sees that, too.
    pub(crate) fn reject(&self) {
        self.rejected.store(true, Ordering::Release);
    }
}

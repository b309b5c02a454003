//! Word of refusals, bounded: a flood of them is counted, not written out.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Refusals that are told one after the other …
const BURST: u32 = 20;
/// … and how soon there is one more to tell.
const REFILL: Duration = Duration::from_millis(100);

/// Tells of refusals, at most ten a second.
#[derive(Debug)]
pub(crate) struct LogLimiter(Mutex<Budget>);

#[derive(Debug)]
struct Budget {
    left: u32,
    refilled: Instant,
    suppressed: u64,
}

impl LogLimiter {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Budget {
            left: BURST,
            refilled: Instant::now(),
            suppressed: 0,
        }))
    }

    /// How many refusals were not told since the last that was, if this one is to be told.
    pub(crate) fn allow_at(&self, now: Instant) -> Option<u64> {
        let mut budget = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        budget.allow_at(now)
    }
}

impl Budget {
    fn allow_at(&mut self, now: Instant) -> Option<u64> {
        let passed = now.saturating_duration_since(self.refilled);
        let gained = u32::try_from(passed.as_millis() / REFILL.as_millis()).unwrap_or(BURST);
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(BURST);
            self.refilled = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some(std::mem::take(&mut self.suppressed))
            }
            None => {
                self.suppressed += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_in_part_and_counted_in_full() {
        let log_limiter = LogLimiter::new();
        let start = log_limiter.0.lock().unwrap().refilled;
        let told = (0..10_000).filter_map(|_| log_limiter.allow_at(start));
        assert_eq!(told.collect::<Vec<_>>(), [0; BURST as usize]);
        assert_eq!(log_limiter.allow_at(start + REFILL), Some(9_980));
        assert_eq!(log_limiter.allow_at(start + REFILL), None);
    }
}

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
pub(crate) struct RefusalLog(Mutex<Budget>);

#[derive(Debug)]
struct Budget {
    left: u32,
    refilled: Instant,
    untold: u64,
}

impl RefusalLog {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Budget {
            left: BURST,
            refilled: Instant::now(),
            untold: 0,
        }))
    }

    /// How many refusals were not told since the last that was, if this one is to be told.
    pub(crate) fn tell_at(&self, now: Instant) -> Option<u64> {
        let mut budget = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        budget.tell_at(now)
    }
}

impl Budget {
    fn tell_at(&mut self, now: Instant) -> Option<u64> {
        let passed = now.saturating_duration_since(self.refilled);
        let gained = u32::try_from(passed.as_millis() / REFILL.as_millis()).unwrap_or(BURST);
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(BURST);
            self.refilled = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some(std::mem::take(&mut self.untold))
            }
            None => {
                self.untold += 1;
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
        let refusal_log = RefusalLog::new();
        let start = refusal_log.0.lock().unwrap().refilled;
        let told = (0..10_000).filter_map(|_| refusal_log.tell_at(start));
        assert_eq!(told.collect::<Vec<_>>(), [0; BURST as usize]);
        assert_eq!(refusal_log.tell_at(start + REFILL), Some(9_980));
        assert_eq!(refusal_log.tell_at(start + REFILL), None);
    }
}

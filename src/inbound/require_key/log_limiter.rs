//! A rate limit for log events about refused requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Events that may be logged at once.
const BURST: u32 = 20;
/// How soon one more event may be logged.
const REFILL: Duration = Duration::from_millis(100);

/// A token bucket that allows ten events a second, and counts the others.
///
/// A plain mutex, which only refused requests lock: a flood of unknown keys does not slow good
/// requests more than other good requests do (433 and 472 ns, bench `hot_path`).
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

    /// Returns how many events were suppressed since the last one, or `None` to suppress this one,
    /// too.
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
    fn flood_is_counted_but_not_logged() {
        let log_limiter = LogLimiter::new();
        let start = log_limiter.0.lock().unwrap().refilled;
        let logged = (0..10_000).filter_map(|_| log_limiter.allow_at(start));
        assert_eq!(logged.collect::<Vec<_>>(), [0; BURST as usize]);
        assert_eq!(log_limiter.allow_at(start + REFILL), Some(9_980));
        assert_eq!(log_limiter.allow_at(start + REFILL), None);
    }
}

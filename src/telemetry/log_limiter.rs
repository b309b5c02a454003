//! A rate limit for events of one kind, with exact counts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::token_bucket::TokenBucket;

/// Events of one reason that may be logged at once.
const BURST: u32 = 20;
/// How soon one more event of a reason may be logged.
const REFILL: Duration = Duration::from_millis(100);

/// A token bucket for each reason, which allows ten events a second, and counts the others: a flood
/// of unknown keys hides no revoked one.
///
/// There are few reasons, so a list holds them. A plain mutex, which only refused requests lock: a
/// flood of unknown keys does not slow good requests more than other good requests do (433 and
/// 472 ns, bench `hot_path`).
#[derive(Debug)]
pub(crate) struct LogLimiter<R>(Mutex<Vec<Budget<R>>>);

#[derive(Debug)]
struct Budget<R> {
    reason: R,
    bucket: TokenBucket,
    suppressed: u64,
}

/// What becomes of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    Logged,
    /// It is counted, and so far no other is.
    CountedFirst,
    Counted,
}

impl<R: Clone + PartialEq> LogLimiter<R> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn permit_at(&self, reason: R, now: Instant) -> Permit {
        let mut budgets = self.lock();
        let found = budgets.iter().position(|budget| budget.reason == reason);
        let place = found.unwrap_or_else(|| {
            budgets.push(Budget::new(reason, now));
            budgets.len() - 1
        });
        budgets[place].permit_at(now)
    }

    /// Returns each reason and how many events of it were counted since this was last asked.
    pub(crate) fn take_counts(&self) -> Vec<(R, u64)> {
        let mut budgets = self.lock();
        let counts = budgets.iter_mut();
        counts
            .map(|budget| {
                (
                    budget.reason.clone(),
                    std::mem::take(&mut budget.suppressed),
                )
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Budget<R>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Budget<R> {
    const fn new(reason: R, now: Instant) -> Self {
        Self {
            reason,
            bucket: TokenBucket::full(BURST, REFILL, now),
            suppressed: 0,
        }
    }

    fn permit_at(&mut self, now: Instant) -> Permit {
        if self.bucket.take(now).is_ok() {
            return Permit::Logged;
        }
        self.suppressed += 1;
        match self.suppressed {
            1 => Permit::CountedFirst,
            _ => Permit::Counted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flood_is_counted_but_not_logged() {
        let log_limiter = LogLimiter::new();
        let start = Instant::now();
        let permit = |now| log_limiter.permit_at("unknown", now);
        let permits: Vec<_> = (0..10_000).map(|_| permit(start)).collect();
        let (logged, others) = permits.split_at(BURST as usize);
        assert!(logged.iter().all(|permit| *permit == Permit::Logged));
        assert_eq!(others[..2], [Permit::CountedFirst, Permit::Counted]);
        assert!(!others.contains(&Permit::Logged));
        assert_eq!(permit(start + REFILL), Permit::Logged);
        assert_eq!(permit(start + REFILL), Permit::Counted);
        assert_eq!(log_limiter.take_counts(), [("unknown", 9_981)]);
        assert_eq!(log_limiter.take_counts(), []);
        assert_eq!(permit(start + REFILL), Permit::CountedFirst);
    }

    #[test]
    fn flood_of_one_reason_hides_no_other() {
        let log_limiter = LogLimiter::new();
        let now = Instant::now();
        for _ in 0..1_000 {
            log_limiter.permit_at("unknown", now);
        }
        let permit = log_limiter.permit_at("revoked", now);
        assert_eq!(permit, Permit::Logged);
    }
}

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

/// The decision about one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogDecision {
    Allow,
    /// Count it. It is the first one since the counts were taken, so that somebody must take them.
    SuppressFirst,
    Suppress,
}

impl<R: Clone + PartialEq> LogLimiter<R> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn decide_at(&self, reason: R, now: Instant) -> LogDecision {
        let mut budgets = self.lock();
        let found = budgets.iter().position(|budget| budget.reason == reason);
        let place = found.unwrap_or_else(|| {
            budgets.push(Budget::new(reason, now));
            budgets.len() - 1
        });
        budgets[place].decide_at(now)
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

    fn decide_at(&mut self, now: Instant) -> LogDecision {
        if self.bucket.take(now).is_ok() {
            return LogDecision::Allow;
        }
        self.suppressed += 1;
        match self.suppressed {
            1 => LogDecision::SuppressFirst,
            _ => LogDecision::Suppress,
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
        let decide = |now| log_limiter.decide_at("unknown", now);
        let decisions: Vec<_> = (0..10_000).map(|_| decide(start)).collect();
        let (allowed, others) = decisions.split_at(BURST as usize);
        assert!(
            allowed
                .iter()
                .all(|decision| *decision == LogDecision::Allow)
        );
        assert_eq!(
            others[..2],
            [LogDecision::SuppressFirst, LogDecision::Suppress]
        );
        assert!(!others.contains(&LogDecision::Allow));
        assert_eq!(decide(start + REFILL), LogDecision::Allow);
        assert_eq!(decide(start + REFILL), LogDecision::Suppress);
        assert_eq!(log_limiter.take_counts(), [("unknown", 9_981)]);
        assert_eq!(log_limiter.take_counts(), []);
        assert_eq!(decide(start + REFILL), LogDecision::SuppressFirst);
    }

    #[test]
    fn flood_of_one_reason_hides_no_other() {
        let log_limiter = LogLimiter::new();
        let now = Instant::now();
        for _ in 0..1_000 {
            log_limiter.decide_at("unknown", now);
        }
        let decision = log_limiter.decide_at("revoked", now);
        assert_eq!(decision, LogDecision::Allow);
    }
}

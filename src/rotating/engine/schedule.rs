//! The schedule: when to ask the source next.
//!
//! These are pure functions of what happened, the remaining lifetime and a random draw.

use std::time::Duration;

use super::refresh_ahead::RefreshAhead;
use crate::clock::Draw;
use crate::source::{LONGEST, RefreshInterval, SourceError, SourceErrorKind};

/// The share of the remaining lifetime after which the source is asked again if nothing changed.
const SHARE_UNCHANGED: f64 = 0.25;
/// The resolution of the timer. With an interval of zero, a source that hints without end would be
/// asked without end, and nothing else would run.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// How often the program wants the source to be asked, whatever the source says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) poll: Option<Duration>,
    pub(crate) min_interval: Option<Duration>,
}

impl Pace {
    /// Returns the interval of a source, bounded so that no sum of times overflows.
    pub(crate) fn over(self, source: RefreshInterval) -> RefreshInterval {
        let poll = self.poll.or(source.poll);
        let min_interval = self.min_interval.unwrap_or(source.min_interval);
        RefreshInterval {
            poll: poll.map(|poll| poll.min(LONGEST)),
            min_interval: min_interval.clamp(SHORTEST_INTERVAL, LONGEST),
        }
    }
}

/// The interval of a value without an expiry, if the source sets none.
const POLL: Duration = Duration::from_secs(60);
/// The shortest and the longest `Retry-After` that is honoured.
const RETRY_AFTER_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// The backoff after failed fetches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) cap: Duration,
    pub(crate) permanent_cap: Duration,
}

/// Whether a fetch that succeeded brought something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// A new value, or a later expiry of the same one.
    Yes,
    /// The same value with the same expiry.
    No,
}

/// Returns how long to wait after a fetch that succeeded.
///
/// `remaining` is the rest of the value's lifetime.
pub(crate) fn after_success(
    interval: RefreshInterval,
    ahead: RefreshAhead,
    renewed: Renewed,
    remaining: Option<Duration>,
    draw: Draw,
) -> Duration {
    let poll = interval
        .poll
        .unwrap_or(POLL)
        .mul_f64(draw.between(0.9, 1.1));
    let wait = match (remaining, renewed) {
        (None, _) => poll,
        (Some(left), renewed) => {
            let refresh = match renewed {
                Renewed::Yes => ahead.wait(left, draw),
                Renewed::No => left.mul_f64(SHARE_UNCHANGED * draw.between(0.8, 1.2)),
            };
            interval.poll.map_or(refresh, |_| refresh.min(poll))
        }
    };
    wait.max(interval.min_interval)
}

/// Returns how long to wait after the `failures`-th failed fetch in a row, counted from 1.
pub(crate) fn after_failure(
    backoff: Backoff,
    interval: RefreshInterval,
    failures: u32,
    error: &SourceError,
    remaining: Option<Duration>,
    draw: Draw,
) -> Duration {
    let cap = match error.kind() {
        SourceErrorKind::Permanent => backoff.permanent_cap,
        _ => backoff.cap,
    };
    let doublings = failures.saturating_sub(1).min(31);
    let mut wait = backoff
        .first
        .saturating_mul(1 << doublings)
        .min(cap)
        .mul_f64(draw.between(0.5, 1.0));
    if let Some(left) = remaining.filter(|left| !left.is_zero()) {
        wait = wait.min(left / 2);
    }
    if let Some(requested) = error.retry_after() {
        wait = wait.max(requested.clamp(RETRY_AFTER_BOUNDS.0, RETRY_AFTER_BOUNDS.1));
    }
    wait.max(interval.min_interval)
}

/// Returns whether the expiry of an unchanged value moved by more than the rounding of whole
/// seconds.
pub(crate) fn extends(old_remaining: Duration, new_remaining: Duration) -> bool {
    let tolerance = old_remaining.mul_f64(0.05).max(Duration::from_secs(2));
    new_remaining > old_remaining.saturating_add(tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        cap: Duration::from_secs(60),
        permanent_cap: Duration::from_secs(300),
    };

    fn interval() -> RefreshInterval {
        RefreshInterval::default()
    }

    #[test]
    fn new_value_is_refreshed_at_three_quarters_or_earlier() {
        let wait = |draw| {
            after_success(
                interval(),
                RefreshAhead::default(),
                Renewed::Yes,
                Some(HOUR),
                Draw(draw),
            )
        };
        assert_eq!(wait(1.0), HOUR.mul_f64(0.75));
        assert_eq!(wait(0.0), HOUR.mul_f64(0.75 * 0.85));
    }

    #[test]
    fn unchanged_answer_waits_a_quarter_of_the_rest() {
        let wait = after_success(
            interval(),
            RefreshAhead::default(),
            Renewed::No,
            Some(HOUR),
            Draw(0.5),
        );
        assert_eq!(wait, HOUR / 4);
    }

    #[test]
    fn poll_applies_whatever_the_expiry() {
        let interval = RefreshInterval::new(Duration::from_secs(30), Duration::from_millis(100));
        for remaining in [None, Some(HOUR)] {
            let wait = after_success(
                interval,
                RefreshAhead::default(),
                Renewed::Yes,
                remaining,
                Draw(0.5),
            );
            assert_eq!(wait, Duration::from_secs(30));
        }
    }

    #[test]
    fn min_interval_bounds_every_wait() {
        let error = SourceError::transient("down");
        for draw in [0.0, 0.5, 0.999] {
            let left = Some(Duration::from_millis(1));
            let after_ok = after_success(
                interval(),
                RefreshAhead::default(),
                Renewed::Yes,
                left,
                Draw(draw),
            );
            let after_err = after_failure(BACKOFF, interval(), 1, &error, left, Draw(draw));
            assert_eq!(after_ok.min(after_err), interval().min_interval);
        }
    }

    #[test]
    fn failures_double_up_to_the_cap_of_their_kind() {
        let wait = |failures, error| {
            after_failure(BACKOFF, interval(), failures, &error, None, Draw(1.0)).as_secs()
        };
        assert_eq!(wait(1, SourceError::transient("")), 1);
        assert_eq!(wait(4, SourceError::transient("")), 8);
        assert_eq!(wait(u32::MAX, SourceError::transient("")), 60);
        assert_eq!(wait(u32::MAX, SourceError::permanent("")), 300);
    }

    #[test]
    fn retry_after_is_honoured_within_bounds() {
        let wait = |secs| {
            let error = SourceError::throttled("", Duration::from_secs(secs));
            after_failure(BACKOFF, interval(), 1, &error, None, Draw(0.0)).as_secs()
        };
        assert_eq!([wait(0), wait(42), wait(86_400)], [1, 42, 300]);
    }

    #[test]
    fn rounded_expiry_is_not_an_extension() {
        assert!(!extends(HOUR, HOUR + Duration::from_secs(1)));
        assert!(extends(Duration::from_secs(300), HOUR));
    }
}

//! How long before its expiry a value is refreshed.

use std::time::Duration;

use crate::clock::Draw;

/// When a value that expires is refreshed: after a share of its lifetime, or some time before its
/// end.
///
/// Each wait is shortened at random, so that instances that started together do not refresh
/// together.
///
/// The default is three quarters of the lifetime, less up to 15 % of that: a token of an hour is
/// refreshed after 38 to 45 minutes. A quarter is left for failures.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_rotating_auth::rotating::RefreshAhead;
///
/// let half = RefreshAhead::at_share(0.5);
/// let five_minutes = RefreshAhead::before(Duration::from_secs(300)).jitter(0.05);
/// assert_ne!(half, five_minutes);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RefreshAhead {
    when: When,
    jitter: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    AtShare(f64),
    Before(Duration),
}

impl RefreshAhead {
    const JITTER: f64 = 0.15;

    /// Refreshes a value after this share of its lifetime. A share below 0.05 counts as 0.05, and
    /// one above 0.95 as 0.95.
    #[must_use]
    pub const fn at_share(share: f64) -> Self {
        Self {
            // Also for NaN.
            when: When::AtShare(if share > 0.05 { share.min(0.95) } else { 0.05 }),
            jitter: Self::JITTER,
        }
    }

    /// Refreshes a value this long before its expiry.
    ///
    /// A value that lives for less than twice as long is refreshed after half of its lifetime.
    #[must_use]
    pub const fn before(time: Duration) -> Self {
        Self {
            when: When::Before(time),
            jitter: Self::JITTER,
        }
    }

    /// Sets by how much of it a wait may be shortened at random. Defaults to 0.15, which is 15 %. A
    /// value above 0.5 counts as 0.5, and one below 0 as 0.
    #[must_use]
    pub const fn jitter(mut self, share: f64) -> Self {
        // Also for NaN.
        self.jitter = if share > 0.0 { share.min(0.5) } else { 0.0 };
        self
    }

    /// Returns how long to wait with a value that is good for `left`.
    pub(crate) fn wait(self, left: Duration, draw: Draw) -> Duration {
        let latest = match self.when {
            When::AtShare(share) => left.mul_f64(share),
            When::Before(time) => left.saturating_sub(time).max(left / 2),
        };
        latest.mul_f64(draw.between(1.0 - self.jitter, 1.0))
    }
}

impl Default for RefreshAhead {
    fn default() -> Self {
        Self::at_share(0.75)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    fn bounds(ahead: RefreshAhead, left: Duration) -> [u64; 2] {
        [0.0, 1.0].map(|draw| ahead.wait(left, Draw(draw)).as_secs())
    }

    #[test]
    fn share_and_jitter_bound_the_wait() {
        assert_eq!(bounds(RefreshAhead::default(), HOUR), [2295, 2700]);
        assert_eq!(
            bounds(RefreshAhead::at_share(0.5).jitter(0.1), HOUR),
            [1620, 1800]
        );
    }

    #[test]
    fn time_before_the_expiry_is_kept_for_long_lives() {
        let ahead = RefreshAhead::before(MINUTE).jitter(0.0);
        assert_eq!(bounds(ahead, HOUR), [3540, 3540]);
        assert_eq!(bounds(ahead, MINUTE), [30, 30], "half of a short life");
    }

    #[test]
    fn values_out_of_range_are_bounded() {
        for (share, expected) in [(f64::NAN, 180), (-1.0, 180), (0.0, 180), (7.0, 3420)] {
            let ahead = RefreshAhead::at_share(share).jitter(f64::NAN);
            assert_eq!(bounds(ahead, HOUR), [expected; 2], "{share}");
        }
        assert_eq!(
            bounds(RefreshAhead::at_share(0.5).jitter(9.0), HOUR),
            [900, 1800]
        );
    }
}

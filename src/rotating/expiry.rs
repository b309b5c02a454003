//! When a value stops being good, on two clocks.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// No time is longer: what claims to be is cut to it, so that no sum of times overflows.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// When a value stops being good, as its source says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// So long after the source was asked: `expires_in`.
    In(Duration),
    /// At this time on the wall clock: `exp`, `expirationTimestamp`.
    At(SystemTime),
}

impl Expiry {
    /// Reads the seconds of an `expires_in` ([RFC 6749 §5.1]), whole or not.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_rotating_auth::Expiry;
    ///
    /// assert_eq!(Expiry::in_seconds(3599.5), Ok(Expiry::In(Duration::from_millis(3_599_500))));
    /// assert_eq!("3600".parse(), Ok(Expiry::In(Duration::from_secs(3600))));
    /// assert!(Expiry::in_seconds(0.0).is_err());
    /// assert!(Expiry::in_seconds(f64::NAN).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// Zero, negative numbers and NaN are no lifetime. What is longer than ten years is cut to ten years.
    ///
    /// [RFC 6749 §5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
    pub fn in_seconds(seconds: f64) -> Result<Self, InvalidLifetime> {
        if seconds.is_nan() || seconds <= 0.0 {
            return Err(InvalidLifetime(()));
        }
        let lifetime = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST);
        Ok(Self::In(lifetime.min(LONGEST)))
    }
}

impl FromStr for Expiry {
    type Err = InvalidLifetime;

    /// Reads an `expires_in` that came as text.
    fn from_str(seconds: &str) -> Result<Self, InvalidLifetime> {
        let seconds = seconds.trim().parse().map_err(|_| InvalidLifetime(()))?;
        Self::in_seconds(seconds)
    }
}

/// Not a number of seconds that something can live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLifetime(());

impl fmt::Display for InvalidLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lifetime is a number of seconds above zero")
    }
}

impl Error for InvalidLifetime {}

/// One moment, read off both clocks.
///
/// The monotonic clock stands still while the machine sleeps; the wall clock jumps when it is set.
/// Whatever is due is due when either says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) mono: Instant,
    pub(crate) wall: SystemTime,
}

/// A moment to come, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) mono: Instant,
    wall: Option<SystemTime>,
}

impl Deadline {
    pub(crate) fn after(now: Now, wait: Duration) -> Self {
        let wait = wait.min(LONGEST);
        Self {
            mono: now.mono + wait,
            wall: now.wall.checked_add(wait),
        }
    }

    /// `asked` is when the source was asked: a lifetime counts from there.
    pub(crate) fn of(expiry: Expiry, asked: Now) -> Self {
        match expiry {
            Expiry::In(lifetime) => Self::after(asked, lifetime),
            Expiry::At(wall) => {
                let lifetime = wall.duration_since(asked.wall).unwrap_or_default();
                Self {
                    wall: Some(wall),
                    ..Self::after(asked, lifetime)
                }
            }
        }
    }

    /// The one that passes first, on each clock.
    pub(crate) fn earlier(self, other: Self) -> Self {
        Self {
            mono: self.mono.min(other.mono),
            wall: match (self.wall, other.wall) {
                (Some(wall), Some(other)) => Some(wall.min(other)),
                (wall, other) => wall.or(other),
            },
        }
    }

    pub(crate) fn passed(&self, now: Now) -> bool {
        self.remaining(now).is_zero()
    }

    /// What is left on the clock that has less left; nothing when either has passed it.
    pub(crate) fn remaining(&self, now: Now) -> Duration {
        let mono = self.mono.saturating_duration_since(now.mono);
        let wall = self.wall.map_or(LONGEST, |wall| {
            wall.duration_since(now.wall).unwrap_or_default()
        });
        mono.min(wall)
    }

    pub(crate) const fn wall(&self) -> Option<SystemTime> {
        self.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Now {
        Now {
            mono: Instant::now(),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000),
        }
    }

    #[test]
    fn expires_in_is_read_wide_and_refused_where_it_means_nothing() {
        for refused in ["0", "-1", "NaN", "-inf", "", "soon", "1e"] {
            assert!(refused.parse::<Expiry>().is_err(), "{refused}");
        }
        for (text, seconds) in [("3600", 3600.0), ("3599.9", 3599.9), (" 60 ", 60.0)] {
            assert_eq!(
                text.parse(),
                Ok(Expiry::In(Duration::from_secs_f64(seconds)))
            );
        }
        for huge in ["18446744073709551616", "inf", "1e300"] {
            assert_eq!(huge.parse(), Ok(Expiry::In(LONGEST)));
        }
    }

    #[test]
    fn a_deadline_passes_when_either_clock_says_so() {
        let now = now();
        let deadline = Deadline::after(now, Duration::from_secs(60));
        let suspended = Now {
            wall: now.wall + Duration::from_secs(60),
            ..now
        };
        let set_back = Now {
            mono: now.mono + Duration::from_secs(60),
            wall: SystemTime::UNIX_EPOCH,
        };
        assert!(!deadline.passed(now));
        assert!(deadline.passed(suspended));
        assert!(deadline.passed(set_back));
    }

    #[test]
    fn a_time_on_the_wall_clock_stays_what_it_is_when_that_clock_is_set() {
        let unset = Now {
            wall: SystemTime::UNIX_EPOCH,
            ..now()
        };
        let expiry = SystemTime::UNIX_EPOCH + 5 * LONGEST;
        let deadline = Deadline::of(Expiry::At(expiry), unset);
        let set = Now {
            wall: expiry - Duration::from_secs(60),
            ..unset
        };
        assert_eq!(deadline.remaining(set), Duration::from_secs(60));
    }

    #[test]
    fn no_expiry_overflows_a_clock() {
        let now = now();
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::MAX >> 2);
        for expiry in [
            Expiry::In(Duration::MAX),
            Expiry::At(far),
            Expiry::At(SystemTime::UNIX_EPOCH),
        ] {
            assert!(Deadline::of(expiry, now).remaining(now) <= LONGEST);
        }
        let late = Now { wall: far, ..now };
        assert_eq!(
            Deadline::after(late, Duration::MAX).remaining(late),
            LONGEST
        );
    }
}

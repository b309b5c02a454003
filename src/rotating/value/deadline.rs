//! When a value stops being good, on two clocks.

use crate::clock::Now;
use crate::source::Expiry;
use crate::source::LONGEST;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

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

//! Deadlines on two clocks.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::clock::Now;
use crate::source::{Expiry, LONGEST};

/// A point in time on both clocks. It has passed when either clock says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) mono: Instant,
    wall: Option<SystemTime>,
}

impl Deadline {
    /// Returns the deadline `wait` after `now`, at most ten years later.
    pub(crate) fn after(now: Now, wait: Duration) -> Self {
        let wait = wait.min(LONGEST);
        Self {
            mono: now.mono + wait,
            wall: now.wall.checked_add(wait),
        }
    }

    /// Returns the deadline of an expiry. A lifetime counts from `asked`, when the source was
    /// asked.
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

    /// Returns whether either clock has passed the deadline.
    pub(crate) fn passed(&self, now: Now) -> bool {
        self.remaining(now).is_zero()
    }

    /// Returns the time left on the clock that has less of it.
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
    fn deadline_passes_on_either_clock() {
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
    fn wall_clock_expiry_survives_setting_the_clock() {
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
    fn huge_expiry_does_not_overflow() {
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

//! How often a delivered key was lost, and when the next one may be made for that.

use std::time::{Duration, SystemTime};

use crate::keyring::issuance_policy::after;

/// The pause after the first loss. It doubles with each one.
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The keys that were made because the sink did not hold the one before, since it last held one for
/// long.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Losses {
    count: u32,
    last: Option<SystemTime>,
}

impl Losses {
    /// Returns until when to make no other key, or `None` if one may be made.
    pub(crate) fn wait_until(self, now: SystemTime) -> Option<SystemTime> {
        let until = after(self.last?, self.pause());
        (now < until).then_some(until)
    }

    pub(crate) const fn note(&mut self, now: SystemTime) {
        self.count = self.count.saturating_add(1);
        self.last = Some(now);
    }

    /// Forgets all losses if the sink has held the newest key for the overlap, and for as long as a
    /// loss would have to wait.
    pub(crate) fn held_since(&mut self, since: SystemTime, overlap: Duration, now: SystemTime) {
        if after(since, overlap.max(self.pause())) <= now {
            *self = Self::default();
        }
    }

    fn pause(self) -> Duration {
        let doublings = self.count.saturating_sub(1).min(16);
        (FIRST * (1 << doublings)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn pause_after_losses_doubles_up_to_a_day() {
        let mut losses = Losses::default();
        assert_eq!(losses.wait_until(at(0)), None);
        let mut now = 0;
        for expected in [60, 120, 240, 480] {
            losses.note(at(now));
            assert_eq!(losses.wait_until(at(now)), Some(at(now + expected)));
            now += expected;
            assert_eq!(losses.wait_until(at(now)), None);
        }
        for _ in 0..50 {
            losses.note(at(now));
        }
        assert_eq!(losses.wait_until(at(now)), Some(at(now + 24 * 60 * 60)));
    }

    #[test]
    fn losses_are_forgotten_after_the_overlap_and_pause() {
        let overlap = Duration::from_secs(100);
        let mut losses = Losses::default();
        losses.note(at(0));
        losses.held_since(at(0), overlap, at(99));
        assert_eq!(losses.wait_until(at(1)), Some(at(60)));
        losses.held_since(at(0), overlap, at(100));
        assert_eq!(losses.wait_until(at(1)), None);
        for _ in 0..3 {
            losses.note(at(0));
        }
        losses.held_since(at(0), overlap, at(239));
        assert_eq!(losses.wait_until(at(1)), Some(at(240)));
    }
}

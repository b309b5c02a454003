//! Which requests try a new credential while the previous one still works.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause between two canaries. It doubles …
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// … up to this one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a canary is due until one that cannot be sent again will do.
const WAIT_FOR_RESENDABLE: Duration = Duration::from_secs(10);
/// How long a canary may be under way until another one starts beside it.
const LONGEST_FLIGHT: Duration = Duration::from_secs(10);

/// The schedule of canaries: requests that carry a new credential, one at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canary {
    due: Instant,
    pause: Duration,
    /// When the canary under way was sent.
    flying_since: Option<Instant>,
}

/// How many rejections in a row of the previous credential make a request the canary that cannot be
/// sent again: it has little to lose then. More than one, since any request may be rejected for
/// another reason.
const REJECTIONS_IN_A_ROW: u64 = 3;

/// Whether a request can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resend {
    Possible,
    Impossible,
}

impl Canary {
    /// Returns a schedule whose first canary is due at once.
    pub(crate) const fn due_at(now: Instant) -> Self {
        Self {
            due: now,
            pause: FIRST_PAUSE,
            flying_since: None,
        }
    }

    /// Returns whether a request may be the canary at `now`. `rejections` is how often in a row the
    /// previous credential was rejected.
    pub(crate) fn is_due(&self, now: Instant, resend: Resend, rejections: u64) -> bool {
        let flies = self
            .flying_since
            .is_some_and(|since| now < since + LONGEST_FLIGHT);
        let due = match resend {
            Resend::Impossible if rejections < REJECTIONS_IN_A_ROW => {
                self.due + WAIT_FOR_RESENDABLE
            }
            _ => self.due,
        };
        !flies && now >= due
    }

    /// Records that a canary is sent.
    pub(crate) const fn sent(&mut self, now: Instant) {
        self.flying_since = Some(now);
    }

    /// Records that the canary is back, whatever it has shown.
    pub(crate) fn back(&mut self, now: Instant) {
        if self.flying_since.take().is_some() {
            self.due = now + self.pause;
        }
    }

    /// Records that the new credential was rejected, and the previous one accepted.
    pub(crate) fn too_early(&mut self, now: Instant) {
        self.flying_since = None;
        self.due = now + self.pause;
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn one_canary_flies_at_a_time() {
        let start = Instant::now();
        let mut canary = Canary::due_at(start);
        assert!(canary.is_due(start, Resend::Possible, 0));
        canary.sent(start);
        assert!(!canary.is_due(start + millis(9_999), Resend::Possible, 0));
        assert!(canary.is_due(start + millis(10_000), Resend::Possible, 0));
    }

    #[test]
    fn pauses_double_up_to_ten_seconds() {
        let mut now = Instant::now();
        let mut canary = Canary::due_at(now);
        for pause in [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] {
            canary.sent(now);
            canary.too_early(now);
            assert!(!canary.is_due(now + millis(pause - 1), Resend::Possible, 0));
            now += millis(pause);
            assert!(canary.is_due(now, Resend::Possible, 0));
        }
    }

    #[test]
    fn lost_canary_is_followed_by_another() {
        let now = Instant::now();
        let mut canary = Canary::due_at(now);
        for _ in 0..5 {
            canary.sent(now);
            canary.back(now);
            assert!(!canary.is_due(now + millis(99), Resend::Possible, 0));
            assert!(canary.is_due(now + millis(100), Resend::Possible, 0));
        }
    }

    #[test]
    fn request_that_cannot_be_resent_waits_for_others() {
        let now = Instant::now();
        let canary = Canary::due_at(now);
        assert!(!canary.is_due(now + millis(9_999), Resend::Impossible, 2));
        assert!(canary.is_due(now, Resend::Impossible, 3));
        assert!(canary.is_due(now + millis(10_000), Resend::Impossible, 0));
    }
}

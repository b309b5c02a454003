//! One hint for a burst of changes.
//!
//! A burst ends after 100 ms without an event, or 1 s after its first event. Without it, a writer
//! that writes in pieces would cause a fetch for each piece.
//! `hint_follows_the_end_of_a_burst` shows both limits.

use std::time::Duration;

use tokio::time::Instant;

/// A burst ends after this long without an event.
const QUIET: Duration = Duration::from_millis(100);
/// A burst leads to a hint after this long, even if it goes on.
const LONGEST: Duration = Duration::from_secs(1);

/// The current burst of changes, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Debounce(Option<Burst>);

#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
}

impl Debounce {
    /// Adds an event to the burst.
    pub(crate) fn extend(&mut self, now: Instant) {
        let first = self.0.map_or(now, |burst| burst.first);
        self.0 = Some(Burst { first, last: now });
    }

    /// Returns when the hint is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0
            .map(|burst| (burst.last + QUIET).min(burst.first + LONGEST))
    }

    /// Ends the burst, once the hint was given.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_follows_the_end_of_a_burst() {
        let start = Instant::now();
        let mut burst = Debounce::default();
        assert_eq!(burst.due(), None);

        burst.extend(start);
        assert_eq!(burst.due(), Some(start + QUIET));

        let later = start + QUIET / 2;
        burst.extend(later);
        assert_eq!(burst.due(), Some(later + QUIET));

        burst.extend(start + LONGEST);
        assert_eq!(burst.due(), Some(start + LONGEST));

        burst.clear();
        assert_eq!(burst.due(), None);
    }
}

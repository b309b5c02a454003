//! One hint for a burst of changes.

use std::time::Duration;

use tokio::time::Instant;

/// A burst is over when nothing has been heard for so long.
const QUIET: Duration = Duration::from_millis(100);
/// A burst is told of after so long even though it goes on.
const LONGEST: Duration = Duration::from_secs(1);

/// The burst of changes that is being heard, if any.
#[derive(Debug, Default)]
pub(crate) struct Debounce(Option<Burst>);

#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
}

impl Debounce {
    /// A change was heard.
    pub(crate) fn extend(&mut self, now: Instant) {
        let first = self.0.map_or(now, |burst| burst.first);
        self.0 = Some(Burst { first, last: now });
    }

    /// When to tell of it.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0
            .map(|burst| (burst.last + QUIET).min(burst.first + LONGEST))
    }

    /// It was told of.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_of_when_it_is_over_or_has_lasted_too_long() {
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

//! What the use of a generation has shown.

use std::time::Duration;

use tokio::time::Instant;

/// How long a generation must have been in use to count as settled.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// How long after its first failure a generation counts as one that worked a moment ago.
const WORKED_RECENTLY: Duration = Duration::from_secs(2);

/// What the use of a generation has shown, as far as the storm guard needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// No use of it has succeeded yet.
    Unconfirmed,
    /// A use of it has succeeded.
    Confirmed {
        /// When the first one did.
        since: Instant,
        /// Since when uses fail, if none that began after that has succeeded.
        failing_since: Option<Instant>,
    },
}

impl Health {
    /// Returns whether a use has succeeded after every failure.
    pub(crate) const fn is_undoubted(self) -> bool {
        matches!(
            self,
            Self::Confirmed {
                failing_since: None,
                ..
            }
        )
    }

    /// Returns whether the generation worked a moment ago, so that its successor may well be on the
    /// way.
    pub(crate) fn worked_recently(self, now: Instant) -> bool {
        match self {
            Self::Unconfirmed => false,
            Self::Confirmed { failing_since, .. } => {
                failing_since.is_none_or(|since| now < since + WORKED_RECENTLY)
            }
        }
    }

    /// Returns whether the generation worked for so long that its end is a rotation like any other,
    /// and not one of a storm.
    pub(crate) fn is_settled(self, now: Instant) -> bool {
        match self {
            Self::Unconfirmed => false,
            Self::Confirmed {
                since,
                failing_since,
            } => failing_since.unwrap_or(now) >= since + SETTLED_AFTER,
        }
    }
}

//! What an operator allows.

use std::time::{Duration, SystemTime};

/// Longer than any key lives, and short enough that no sum of times overflows.
const LONGEST: Duration = days(200 * 365);

/// What a key ring allows: how many keys a client has, and for how long they live.
///
/// ```
/// use std::time::Duration;
/// use tower_rotating_auth::keyring::{IssuancePolicy, MaxAge};
///
/// let day = Duration::from_secs(24 * 60 * 60);
/// let policy = IssuancePolicy::new()
///     .max_live_keys(4)
///     .max_grace(day)
///     .max_age(MaxAge::refuse(30 * day).warn_ahead(7 * day));
/// # let _ = policy;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuancePolicy {
    pub(crate) max_live_keys: usize,
    pub(crate) max_grace: Duration,
    pub(crate) max_age: MaxAge,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) purge_after: Duration,
}

/// How old a key may become, counted from when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxAge {
    pub(crate) age: Duration,
    pub(crate) warn_ahead: Duration,
    pub(crate) then: Then,
}

/// What happens to a key that is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Warn,
    Refuse,
}

impl IssuancePolicy {
    /// Two live keys for each client, seven days of grace at most, and a warning about keys older than 90 days.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_live_keys: 2,
            max_grace: days(7),
            max_age: MaxAge::warn(days(90)),
            lifetime: None,
            purge_after: days(30),
        }
    }

    /// A client has at most so many keys that are valid or will be, two unless told, and never less: a rotation
    /// needs two. A rotation that would make it more ends the grace of older keys.
    #[must_use]
    pub const fn max_live_keys(mut self, keys: usize) -> Self {
        self.max_live_keys = if keys < 2 { 2 } else { keys };
        self
    }

    /// A rotated key stays valid for at most so long, whatever the rotation asks for; seven days unless told.
    #[must_use]
    pub fn max_grace(mut self, grace: Duration) -> Self {
        self.max_grace = grace.min(LONGEST);
        self
    }

    /// How old keys may become; a warning about those older than 90 days unless told.
    #[must_use]
    pub const fn max_age(mut self, max_age: MaxAge) -> Self {
        self.max_age = max_age;
        self
    }

    /// A new key lives for so long, where nothing else is asked for. Unless told, as long as the greatest age
    /// where older keys are refused, and for ever where they are not; a successor as long as the key it
    /// replaces.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime.min(LONGEST));
        self
    }

    /// What became of a key is kept for so long after its [`not_after`](crate::keyring::KeyEntry::not_after), 30 days
    /// unless told. A key that has none is kept for ever: an older copy of the store could bring it back. So is one that was imported
    /// and revoked: it could be imported again.
    ///
    /// Rings on one store have the same time. One with a longer time puts back what another one has purged.
    #[must_use]
    pub fn purge_after(mut self, after: Duration) -> Self {
        self.purge_after = after.min(LONGEST);
        self
    }
}

impl Default for IssuancePolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl MaxAge {
    /// Warns about keys that are older.
    #[must_use]
    pub const fn warn(age: Duration) -> Self {
        Self::new(age, Then::Warn)
    }

    /// Refuses keys that are older, and makes none that would live longer.
    #[must_use]
    pub const fn refuse(age: Duration) -> Self {
        Self::new(age, Then::Refuse)
    }

    const fn new(age: Duration, then: Then) -> Self {
        let longer = age.as_secs() > LONGEST.as_secs();
        Self {
            age: if longer { LONGEST } else { age },
            warn_ahead: days(14),
            then,
        }
    }

    /// Warns so long before a key is too old, or ends; 14 days unless told, and never before three quarters of its life are over.
    #[must_use]
    pub fn warn_ahead(mut self, ahead: Duration) -> Self {
        self.warn_ahead = ahead.min(LONGEST);
        self
    }

    /// When a key that was made at `created_at` is refused for its age, if it is.
    pub(crate) fn ends(&self, created_at: Option<SystemTime>) -> Option<SystemTime> {
        match self.then {
            Then::Refuse => created_at.map(|moment| after(moment, self.age)),
            Then::Warn => None,
        }
    }
}

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 24 * 60 * 60)
}

/// The moment so long after another; no later than a clock can tell.
pub(crate) fn after(moment: SystemTime, span: Duration) -> SystemTime {
    moment.checked_add(span.min(LONGEST)).unwrap_or(moment)
}

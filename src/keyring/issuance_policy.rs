//! The limits that an operator sets for keys.

use std::time::{Duration, SystemTime};

/// The longest time span: longer than any key lives, and short enough that no sum overflows.
const LONGEST: Duration = days(200 * 365);

/// The limits of a key ring: how many keys a client has, and how long they live.
///
/// # Examples
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

/// The greatest age of a key, counted from when it was made, and what happens then.
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
    /// Returns the defaults: two valid keys for each client, at most 7 days of grace, and a warning
    /// about keys older than 90 days.
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

    /// Sets how many keys of a client may be valid, or become valid later. Defaults to 2, which is
    /// also the minimum, since a rotation needs two.
    ///
    /// A rotation that would exceed the limit ends the grace of older keys.
    #[must_use]
    pub const fn max_live_keys(mut self, keys: usize) -> Self {
        self.max_live_keys = if keys < 2 { 2 } else { keys };
        self
    }

    /// Sets the longest grace of a rotated key. A longer one is shortened. Defaults to 7 days.
    #[must_use]
    pub fn max_grace(mut self, grace: Duration) -> Self {
        self.max_grace = grace.min(LONGEST);
        self
    }

    /// Sets the greatest age of keys. Defaults to a warning about keys older than 90 days.
    #[must_use]
    pub const fn max_age(mut self, max_age: MaxAge) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets the lifetime of new keys whose request sets none.
    ///
    /// If unset, a new key lives for the greatest age where older keys are refused, and otherwise
    /// without an end. A successor lives as long as the key that it replaces.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime.min(LONGEST));
        self
    }

    /// Sets how long a key is kept after its [`not_after`](crate::keyring::KeyEntry::not_after).
    /// Defaults to 30 days.
    ///
    /// A key without an end is kept forever, since an older copy of the store could bring it back.
    /// So is a key that was imported and revoked, since it could be imported again.
    ///
    /// Set the same time for all rings on one store: a ring with a longer time restores what
    /// another has purged.
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

    /// Refuses keys that are older, and issues none that would live longer.
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

    /// Sets how long to warn before a key is too old or ends, but never before three quarters of
    /// its life are over. Defaults to 14 days.
    #[must_use]
    pub fn warn_ahead(mut self, ahead: Duration) -> Self {
        self.warn_ahead = ahead.min(LONGEST);
        self
    }

    /// Returns when a key that was made at `created_at` is too old, if it is then refused.
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

/// Returns the moment `span` after another, or the same moment if the clock cannot hold the sum.
pub(crate) fn after(moment: SystemTime, span: Duration) -> SystemTime {
    moment.checked_add(span.min(LONGEST)).unwrap_or(moment)
}

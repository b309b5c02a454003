//! How long a key lives.

use std::time::{Duration, SystemTime};

use crate::keyring::issuance_policy::after;
use crate::keyring::state::KeyEntry;

/// How long a new key is to be valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lifetime {
    #[default]
    AsThePolicySays,
    For(Duration),
    Until(SystemTime),
    Unlimited,
}

impl Lifetime {
    /// Returns the end of a life that starts at `start`, where the policy sets `default`.
    pub(crate) fn ends(self, start: SystemTime, default: Option<Duration>) -> Option<SystemTime> {
        match self {
            Self::AsThePolicySays => default.map(|lifetime| after(start, lifetime)),
            Self::For(lifetime) => Some(after(start, lifetime)),
            Self::Until(moment) => Some(moment),
            Self::Unlimited => None,
        }
    }
}

/// Returns how long a key was made to live, or what is left at `now` if nobody knows when it began.
pub(crate) fn lifetime_of(entry: &KeyEntry, now: SystemTime) -> Option<Duration> {
    let end = entry.not_after()?;
    let start = entry.not_before().max(entry.created_at());
    let start = start.filter(|start| *start < end).unwrap_or(now);
    end.duration_since(start).ok()
}

//! Gauges about the keys of a set.

use std::time::SystemTime;

use crate::inbound::{KeyRecord, KeySet, KeyStatus};
use crate::rotating::Rotating;
use crate::telemetry::meter;

/// The states of keys, in the order of the counts.
const STATES: [&str; 6] = [
    "active",
    "in_grace",
    "not_yet_valid",
    "expired",
    "revoked",
    "disabled",
];

/// The gauges of the keys of a set.
#[derive(Debug, Default, PartialEq)]
struct Summary {
    counts: [u32; STATES.len()],
    oldest: Option<SystemTime>,
    next_expiry: Option<SystemTime>,
}

impl Summary {
    fn of<'k>(records: impl Iterator<Item = &'k KeyRecord>, now: SystemTime) -> Self {
        let mut summary = Self::default();
        for record in records {
            summary.add(record, now);
        }
        summary
    }

    fn add(&mut self, record: &KeyRecord, now: SystemTime) {
        let state = match record.status_at(now) {
            KeyStatus::Active | KeyStatus::InGrace => usize::from(record.in_grace()),
            KeyStatus::NotYetValid => 2,
            KeyStatus::Expired => 3,
            KeyStatus::Revoked => 4,
            // A record always knows its key.
            KeyStatus::Disabled | KeyStatus::Unknown => 5,
        };
        self.counts[state] = self.counts[state].saturating_add(1);
        // A key in grace is meant to end, and has a successor.
        if state == 0 {
            let created = record.created_at().into_iter();
            self.oldest = created.chain(self.oldest).min();
            let expires = record.not_after().into_iter();
            self.next_expiry = expires.chain(self.next_expiry).min();
        }
    }
}

/// Sets the gauges about the keys of a set: their number by state, and the times of those that are
/// active and have no successor.
///
/// It looks at each key, so call it before each scrape, and not for each request.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use tower_rotating_auth::{Rotating, inbound::KeySet, metrics::record_keys};
///
/// let (keys, _publisher) = Rotating::manual(KeySet::empty());
/// record_keys(&keys, SystemTime::now());
/// ```
pub fn record_keys(keys: &Rotating<KeySet>, now: SystemTime) {
    let name = keys.name();
    let summary = Summary::of(keys.current().records(), now);
    for (state, count) in STATES.into_iter().zip(summary.counts) {
        meter::set(meter::KEYS, &name, Some(("state", state)), count.into());
    }
    // Infinite, so that no age is left of a key that has ended.
    let oldest = summary.oldest.map_or(f64::INFINITY, meter::unix_seconds);
    meter::set(meter::OLDEST_KEY, &name, None, oldest);
    let next = summary
        .next_expiry
        .map_or(f64::INFINITY, meter::unix_seconds);
    meter::set(meter::NEXT_EXPIRY, &name, None, next);
}

//! Decides what a rotator does next, from the state of the ring, the key that the sink holds, and
//! `now`.

use std::time::{Duration, SystemTime};

use crate::idempotency::IdempotencyKey;
use crate::inbound::{ClientId, KeyDigest, KeyId};
use crate::keyring::issuance_policy::after;
use crate::keyring::state::{KeyEntry, KeyRingState};

/// The prefix of the idempotency keys of a rotator's keys.
const MARK: &str = "rotator";

/// How often to rotate, and with which overlap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) period: Duration,
    pub(crate) overlap: Duration,
}

/// The key that the sink holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    pub(crate) digest: KeyDigest,
    /// Since when the sink holds it, as far as this process has seen.
    pub(crate) since: SystemTime,
    pub(crate) usage: Usage,
}

/// Whether a key was seen in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    Seen,
    NotYet,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Create a first key, or one that follows this ended key: there is no live key.
    Issue(Option<KeyId>, IdempotencyKey),
    /// Create the successor of this key, which is due.
    Rotate(KeyId, IdempotencyKey),
    /// The same, because the sink does not hold this key.
    Replace(KeyId, IdempotencyKey),
    /// Revoke this key: it was never delivered, and its token is lost.
    Discard(KeyId),
    /// Do nothing: the client may have either of two keys, and there is no room for a third.
    Unclear,
    /// Retire this key: the client has its successor.
    Retire(KeyId),
    /// Do nothing until then.
    Wait(SystemTime),
}

pub(crate) fn next_step(
    state: &KeyRingState,
    client: &ClientId,
    delivered: Option<Delivered>,
    plan: Plan,
    now: SystemTime,
) -> Step {
    let made: Vec<&KeyEntry> = state.keys_of(client).filter(|key| is_ours(key)).collect();
    let live: Vec<&KeyEntry> = made
        .iter()
        .copied()
        .filter(|key| state.is_live(key, now))
        .collect();
    let head = live
        .iter()
        .rfind(|key| state.successor_of(key, now).is_none());
    let Some(head) = head else {
        let last = made.last().map(|key| key.id().clone());
        return Step::Issue(last, next_mark("first", &made));
    };
    let before = live.iter().find(|key| key.id() != head.id());
    let successor = |step: fn(KeyId, IdempotencyKey) -> Step| {
        let id = head.id();
        step(id.clone(), next_mark(id.as_str(), &made))
    };
    // The newest key is known to be undelivered only while the sink still holds an older one: a key
    // that is gone from the sink may have been read.
    let is_stale = live
        .iter()
        .any(|key| key.id() != head.id() && holds(delivered, key));
    match (delivered.filter(|_| holds(delivered, head)), before) {
        (None, Some(_)) if is_stale => Step::Discard(head.id().clone()),
        (None, Some(_)) if is_full(state, client, now) && now < read_by(head, state, plan) => {
            Step::Unclear
        }
        (None, _) => successor(Step::Replace),
        (Some(delivered), Some(before)) => {
            let over = after(delivered.since, overlap_of(head, state, plan));
            if delivered.usage == Usage::Seen || over <= now {
                Step::Retire(before.id().clone())
            } else {
                Step::Wait(over)
            }
        }
        (Some(_), None) => match due(head, state, plan) {
            due if due <= now => successor(Step::Rotate),
            due => Step::Wait(due),
        },
    }
}

impl Plan {
    /// Returns how long a key lives if nothing else says so: the rotation may stop, and whoever
    /// stops it must not keep a key for ever.
    pub(crate) fn lifetime(self, max_grace: Duration) -> Duration {
        self.period.saturating_add(self.overlap.max(max_grace))
    }
}

/// Returns whether the sink holds this key.
fn holds(delivered: Option<Delivered>, key: &KeyEntry) -> bool {
    delivered.is_some_and(|delivered| delivered.digest == *key.digest())
}

/// Returns whether another key would end an existing one.
fn is_full(state: &KeyRingState, client: &ClientId, now: SystemTime) -> bool {
    let live = state.keys_of(client).filter(|key| state.is_live(key, now));
    live.count() >= state.policy().max_live_keys
}

/// Returns when the client has read a key that was delivered at once.
fn read_by(key: &KeyEntry, state: &KeyRingState, plan: Plan) -> SystemTime {
    let made = key.created_at().unwrap_or(SystemTime::UNIX_EPOCH);
    after(made, overlap_of(key, state, plan))
}

/// Returns the overlap of a key with its neighbours: at most half its lifetime, since it must be
/// the only one for some time.
fn overlap_of(key: &KeyEntry, state: &KeyRingState, plan: Plan) -> Duration {
    let start = key.not_before().max(key.created_at());
    let life = state.ends_at(key).zip(start);
    let life = life.and_then(|(end, start)| end.duration_since(start).ok());
    life.map_or(plan.overlap, |life| plan.overlap.min(life / 2))
}

/// Returns when to replace a key: after a period, or an overlap before it expires. A key in its
/// grace has lost its successor, and needs another one at once.
fn due(key: &KeyEntry, state: &KeyRingState, plan: Plan) -> SystemTime {
    if key.retires_at().is_some() {
        return SystemTime::UNIX_EPOCH;
    }
    let Some(made) = key.created_at() else {
        return SystemTime::UNIX_EPOCH;
    };
    let by_age = after(made, plan.period);
    let overlap = overlap_of(key, state, plan);
    let end = state.ends_at(key);
    let by_end = end.and_then(|end| end.checked_sub(overlap));
    by_end.map_or(by_age, |by_end| by_age.min(by_end))
}

/// Returns whether a rotator has made this key.
pub(crate) fn is_ours(key: &KeyEntry) -> bool {
    let mark = key.idempotency_key().map(IdempotencyKey::as_str);
    mark.and_then(|mark| mark.strip_prefix(MARK))
        .is_some_and(|rest| rest.starts_with('-'))
}

/// Returns the idempotency key of a step. It is the same in a process that starts again, so no step
/// is done twice. Its number is one above the highest of the keys that still exist, so that a dead
/// key's is never used again.
fn next_mark(of: &str, made: &[&KeyEntry]) -> IdempotencyKey {
    let prefix = format!("{MARK}-{of}-");
    let numbers = made.iter().filter_map(|key| {
        let mark = key.idempotency_key()?.as_str();
        mark.strip_prefix(&prefix)?.parse::<u64>().ok()
    });
    let next = numbers.max().map_or(0, |highest| highest.saturating_add(1));
    IdempotencyKey::of_mark(&format!("{prefix}{next}"))
}

//! What a rotator does next: a pure function of the ledger, of what the sink holds, and of `now`.

use std::time::{Duration, SystemTime};

use crate::idempotency::IdempotencyKey;
use crate::inbound::{ClientId, KeyDigest, KeyId};
use crate::keyring::issuance_policy::after;
use crate::keyring::state::{KeyEntry, KeyRingState};

/// What the keys that a rotator has made are marked with.
const MARK: &str = "rotator";

/// How often, and with which overlap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) period: Duration,
    pub(crate) overlap: Duration,
}

/// What is known of the key that the sink holds, besides what the ledger says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    pub(crate) digest: KeyDigest,
    /// Since when, as far as this process has seen it.
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
    /// There is no live key: make the first, or one that comes after this one, which has ended.
    Issue(Option<KeyId>, IdempotencyKey),
    /// Make the successor of this key.
    Rotate(KeyId, IdempotencyKey),
    /// Revoke this key: it was never delivered, and nobody has its token any more.
    Discard(KeyId),
    /// Nothing for now: the client may have either of two keys, and there is no room for a third.
    Unclear,
    /// End this key: its successor is where the client is.
    Retire(KeyId),
    /// Nothing, until then.
    Wait(SystemTime),
}

pub(crate) fn next_step(
    ledger: &KeyRingState,
    client: &ClientId,
    delivered: Option<Delivered>,
    plan: Plan,
    now: SystemTime,
) -> Step {
    let made: Vec<&KeyEntry> = ledger.keys_of(client).filter(|key| is_ours(key)).collect();
    let live: Vec<&KeyEntry> = made
        .iter()
        .copied()
        .filter(|key| ledger.is_live(key, now))
        .collect();
    let head = live
        .iter()
        .rfind(|key| ledger.successor_of(key, now).is_none());
    let Some(head) = head else {
        let last = made.last().map(|key| key.id().clone());
        return Step::Issue(last, next_mark("first", &made));
    };
    let before = live.iter().find(|key| key.id() != head.id());
    let rotate = || {
        let id = head.id();
        Step::Rotate(id.clone(), next_mark(id.as_str(), &made))
    };
    // Only where one before it is still there is it known that the head has not arrived: what is gone may have been read.
    let is_stale = live
        .iter()
        .any(|key| key.id() != head.id() && holds(delivered, key));
    match (delivered.filter(|_| holds(delivered, head)), before) {
        (None, Some(_)) if is_stale => Step::Discard(head.id().clone()),
        (None, Some(_)) if is_full(ledger, client, now) && now < read_by(head, ledger, plan) => {
            Step::Unclear
        }
        (None, _) => rotate(),
        (Some(delivered), Some(before)) => {
            let over = after(delivered.since, overlap_of(head, ledger, plan));
            if delivered.usage == Usage::Seen || over <= now {
                Step::Retire(before.id().clone())
            } else {
                Step::Wait(over)
            }
        }
        (Some(_), None) => match due(head, ledger, plan) {
            due if due <= now => rotate(),
            due => Step::Wait(due),
        },
    }
}

/// Whether this is the key that the sink holds.
fn holds(delivered: Option<Delivered>, key: &KeyEntry) -> bool {
    delivered.is_some_and(|delivered| delivered.digest == *key.digest())
}

/// Whether one more key would end another.
fn is_full(ledger: &KeyRingState, client: &ClientId, now: SystemTime) -> bool {
    let live = ledger
        .keys_of(client)
        .filter(|key| ledger.is_live(key, now));
    live.count() >= ledger.policy().max_live_keys
}

/// When the client has read a key that was delivered as soon as it was made.
fn read_by(key: &KeyEntry, ledger: &KeyRingState, plan: Plan) -> SystemTime {
    let made = key.created_at().unwrap_or(SystemTime::UNIX_EPOCH);
    after(made, overlap_of(key, ledger, plan))
}

/// The overlap of a key with its neighbours: not more than half its life, or there were no time in which it is the only one.
fn overlap_of(key: &KeyEntry, ledger: &KeyRingState, plan: Plan) -> Duration {
    let start = key.not_before().max(key.created_at());
    let life = ledger.ends_at(key).zip(start);
    let life = life.and_then(|(end, start)| end.duration_since(start).ok());
    life.map_or(plan.overlap, |life| plan.overlap.min(life / 2))
}

/// When a key is to be replaced: after a period, and an overlap before it ends by itself. One that is in its grace has lost
/// its successor, and is to have another at once.
fn due(key: &KeyEntry, ledger: &KeyRingState, plan: Plan) -> SystemTime {
    if key.retires_at().is_some() {
        return SystemTime::UNIX_EPOCH;
    }
    let Some(made) = key.created_at() else {
        return SystemTime::UNIX_EPOCH;
    };
    let by_age = after(made, plan.period);
    let overlap = overlap_of(key, ledger, plan);
    let end = ledger.ends_at(key);
    let by_end = end.and_then(|end| end.checked_sub(overlap));
    by_end.map_or(by_age, |by_end| by_age.min(by_end))
}

fn is_ours(key: &KeyEntry) -> bool {
    let mark = key.idempotency_key().map(IdempotencyKey::as_str);
    mark.and_then(|mark| mark.strip_prefix(MARK))
        .is_some_and(|rest| rest.starts_with('-'))
}

/// The same for the same step, also in a process that starts again: no step is done twice. One more than the highest that is
/// there: those of keys that are not kept any more may be used again, those of dead keys not.
fn next_mark(of: &str, made: &[&KeyEntry]) -> IdempotencyKey {
    let prefix = format!("{MARK}-{of}-");
    let numbers = made.iter().filter_map(|key| {
        let mark = key.idempotency_key()?.as_str();
        mark.strip_prefix(&prefix)?.parse::<u64>().ok()
    });
    let next = numbers.max().map_or(0, |highest| highest.saturating_add(1));
    IdempotencyKey::of_mark(&format!("{prefix}{next}"))
}

//! Counters and gauges. Without the feature `metrics`, they cost nothing.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many generations a value has had.
pub(crate) const GENERATION: &str = "rotating_auth_generation";
/// When the source was last asked with success.
pub(crate) const LAST_SUCCESS: &str = "rotating_auth_last_success_timestamp_seconds";
/// When the current value expires; infinite if it does not.
pub(crate) const EXPIRY: &str = "rotating_auth_expiry_timestamp_seconds";
/// Refreshes by outcome.
pub(crate) const REFRESHES: &str = "rotating_auth_refreshes_total";
/// Attempts that the upstream rejected.
pub(crate) const REJECTIONS: &str = "rotating_auth_rejections_total";
/// Rejected requests by what became of them.
pub(crate) const REPLAYS: &str = "rotating_auth_replays_total";
/// Refused requests by reason.
pub(crate) const REFUSALS: &str = "rotating_auth_refusals_total";
/// Keys by state.
pub(crate) const KEYS: &str = "rotating_auth_keys";
/// When the oldest valid key was made.
pub(crate) const OLDEST_KEY: &str = "rotating_auth_oldest_key_created_timestamp_seconds";
/// When the next valid key expires.
pub(crate) const NEXT_EXPIRY: &str = "rotating_auth_next_key_expiry_timestamp_seconds";
/// Events that an observer was too slow for.
pub(crate) const EVENTS_DROPPED: &str = "rotating_auth_events_dropped_total";
/// Audit events that the subscriber was too slow for, or could not write.
pub(crate) const AUDIT_DROPPED: &str = "rotating_auth_audit_events_dropped_total";

/// Records that a value is current, and when its source confirmed it, if it has one.
pub(crate) fn current(
    name: &Arc<str>,
    generation: u64,
    confirmed_at: Option<SystemTime>,
    expires_at: Option<SystemTime>,
) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float, and exact up to 2^53 generations"
    )]
    let generation = generation as f64;
    set(GENERATION, name, None, generation);
    if let Some(at) = confirmed_at {
        set(LAST_SUCCESS, name, None, unix_seconds(at));
    }
    let expiry = expires_at.map_or(f64::INFINITY, unix_seconds);
    set(EXPIRY, name, None, expiry);
}

/// Records that nothing refreshes a value any more, so that no alert waits for its end.
pub(crate) fn ended(name: &Arc<str>) {
    set(EXPIRY, name, None, f64::INFINITY);
}

/// Returns a moment in seconds since 1970.
pub(crate) fn unix_seconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).map_or_else(
        |before| -before.duration().as_secs_f64(),
        |since| since.as_secs_f64(),
    )
}

/// Adds to a counter of a value, with one more label if there is one. Adding zero makes it exist.
#[cfg(feature = "metrics")]
pub(crate) fn add(
    metric: &'static str,
    name: &Arc<str>,
    label: Option<(&'static str, &'static str)>,
    count: u64,
) {
    metrics::counter!(metric, labels(name, label)).increment(count);
}

/// Sets a gauge of a value, with one more label if there is one.
#[cfg(feature = "metrics")]
pub(crate) fn set(
    metric: &'static str,
    name: &Arc<str>,
    label: Option<(&'static str, &'static str)>,
    value: f64,
) {
    metrics::gauge!(metric, labels(name, label)).set(value);
}

#[cfg(feature = "metrics")]
fn labels(name: &Arc<str>, label: Option<(&'static str, &'static str)>) -> Vec<metrics::Label> {
    let name = metrics::Label::new("name", Arc::clone(name));
    let label = label.map(|(key, value)| metrics::Label::from_static_parts(key, value));
    [name].into_iter().chain(label).collect()
}

#[cfg(not(feature = "metrics"))]
pub(crate) fn add(_: &'static str, _: &Arc<str>, _: Option<(&'static str, &'static str)>, _: u64) {}

#[cfg(not(feature = "metrics"))]
pub(crate) fn set(_: &'static str, _: &Arc<str>, _: Option<(&'static str, &'static str)>, _: f64) {}

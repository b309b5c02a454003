//! Metrics through the facade [`metrics`](https://docs.rs/metrics).
//!
//! Install a recorder before you start values, such as that of `metrics-exporter-prometheus`.
//! Counters and gauges are set as things happen. Those about the keys of a set depend on the time,
//! so call `record_keys` before each scrape.
//!
//! Each metric has the label `name`, the name of the key or key set.
//!
//! | metric | kind | further labels | what |
//! |---|---|---|---|
//! | `rotating_auth_generation` | gauge | | the current generation |
//! | `rotating_auth_last_success_timestamp_seconds` | gauge | | when the source last answered; not for values that are published manually |
//! | `rotating_auth_expiry_timestamp_seconds` | gauge | | when the value expires; `+Inf` if it does not, or is not refreshed any more |
//! | `rotating_auth_refreshes_total` | counter | `outcome`: `rotated`, `unchanged`, or a [`SourceErrorKind`] | refreshes |
//! | `rotating_auth_rejections_total` | counter | | attempts that the upstream rejected |
//! | `rotating_auth_replays_total` | counter | `outcome`: `recovered`, `rejected`, `failed`, `cancelled`, or a [`NotReplayed`] | requests that were rejected at first |
//! | `rotating_auth_refusals_total` | counter | `reason`: an [`AuthErrorKind`] | refused requests |
//! | `rotating_auth_keys` | gauge | `state`: `active`, `in_grace`, `not_yet_valid`, `expired`, `revoked`, `disabled` | keys of a set |
//! | `rotating_auth_oldest_key_created_timestamp_seconds` | gauge | | when the oldest valid key was made; `+Inf` if none is known |
//! | `rotating_auth_next_key_expiry_timestamp_seconds` | gauge | | when the next valid key expires; `+Inf` if none does |
//! | `rotating_auth_events_dropped_total` | counter | | events that an observer was too slow for |
//! | `rotating_auth_audit_events_dropped_total` | counter | | audit events that the subscriber was too slow for, or that [`AuditFile`] could not write |
//!
//! No label holds what a client chose, so that the number of series is bounded.
//!
//! [`AuditFile`]: crate::audit::AuditFile
//! [`AuthErrorKind`]: crate::inbound::AuthErrorKind::as_str
//! [`NotReplayed`]: crate::outbound::NotReplayed::as_str
//! [`SourceErrorKind`]: crate::source::SourceErrorKind::as_str

#[cfg(feature = "inbound")]
mod keys;

use metrics::{Unit, describe_counter, describe_gauge};

#[cfg(feature = "inbound")]
pub use self::keys::record_keys;
use crate::telemetry::meter;

/// Describes the metrics to the recorder, for help texts.
pub fn describe() {
    let seconds = Some(Unit::Seconds);
    for (name, unit, what) in [
        (meter::GENERATION, None, "Current generation of a value"),
        (
            meter::LAST_SUCCESS,
            seconds,
            "When the source last answered",
        ),
        (meter::EXPIRY, seconds, "When the value expires"),
        (meter::KEYS, None, "Keys of a set, by state"),
        (
            meter::OLDEST_KEY,
            seconds,
            "When the oldest valid key was made",
        ),
        (
            meter::NEXT_EXPIRY,
            seconds,
            "When the next valid key expires",
        ),
    ] {
        match unit {
            Some(unit) => describe_gauge!(name, unit, what),
            None => describe_gauge!(name, what),
        }
    }
    for (name, what) in [
        (meter::REFRESHES, "Refreshes of a value, by outcome"),
        (meter::REJECTIONS, "Attempts that the upstream rejected"),
        (
            meter::REPLAYS,
            "Requests that were rejected at first, by outcome",
        ),
        (meter::REFUSALS, "Refused requests, by reason"),
        (
            meter::EVENTS_DROPPED,
            "Events that an observer was too slow for",
        ),
        (
            meter::AUDIT_DROPPED,
            "Audit events that the subscriber was too slow for or could not write",
        ),
    ] {
        describe_counter!(name, what);
    }
}

//! Log lines of the gateway, one per event. None contains a secret.

use std::fmt;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use tower_rotating_auth::{
    rotating::{Event, EventKind},
    source::FetchReason,
};
use tracing_subscriber::EnvFilter;

use crate::output::say;

/// Writes the library's warnings to standard error, such as that everybody may read a key file.
/// Leaves out events, which [`log`] writes.
pub(crate) fn trace_warnings() {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(
            "tower_rotating_auth=warn,tower_rotating_auth::rotating::event=off",
        ))
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
}

/// Handles the events of a key or a key set.
pub(crate) type EventLog = fn(&Event);

/// Writes a line about an event to standard output.
pub(crate) fn log(event: &Event) {
    let (at, name) = (Clock(event.at), &event.name);
    match &event.kind {
        EventKind::Rotated { generation, reason } => say(format_args!(
            "{at} rotated: {name} is at generation {generation} ({})",
            why(*reason)
        )),
        EventKind::Replayed {
            rejected,
            generation,
        } => say(format_args!(
            "{at} replayed: upstream rejected {name} generation {rejected}; sent the request again \
             with generation {generation}"
        )),
        EventKind::FellBack {
            rejected,
            generation,
        } => say(format_args!(
            "{at} fell back: upstream does not accept {name} generation {rejected} yet; sent the \
             request again with generation {generation}"
        )),
        EventKind::Rejected { generation } => say(format_args!(
            "{at} rejected: upstream rejected {name} generation {generation}; answered the client with \
             502"
        )),
        EventKind::RefreshFailed {
            kind,
            failures,
            next_attempt,
        } => say(format_args!(
            "{at} refresh failed ({kind}, {failures} in a row): keeping {name}; next attempt in \
             {:.1} s",
            next_attempt.as_secs_f64()
        )),
        EventKind::Refused {
            reason,
            suppressed: 0,
        } => say(format_args!(
            "{at} refused: request without a valid key of {name} ({reason})"
        )),
        EventKind::Refused { reason, suppressed } => say(format_args!(
            "{at} refused: request without a valid key of {name} ({reason}), and {suppressed} more before it"
        )),
        _ => {}
    }
}

fn why(reason: Option<FetchReason>) -> &'static str {
    match reason {
        Some(FetchReason::Changed) => "source changed",
        Some(FetchReason::Rejected) => "refreshed after a rejection",
        Some(FetchReason::Scheduled) => "scheduled refresh",
        _ => "manual refresh",
    }
}

/// Formats the time of day in UTC.
struct Clock(SystemTime);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, millis) = (since.as_secs() % 86_400, since.subsec_millis());
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(
            f,
            "{hours:02}:{minutes:02}:{:02}.{millis:03}Z",
            seconds % 60
        )
    }
}

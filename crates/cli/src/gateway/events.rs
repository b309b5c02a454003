//! What the gateway says: a line for each thing that happens, and never a secret.

use std::fmt;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use tower_rotating_auth::{
    rotating::{Event, EventKind},
    source::FetchReason,
};
use tracing_subscriber::EnvFilter;

use crate::output::say;

/// Lets the crate's warnings be heard on standard error: a key file that everybody may read, what exactly
/// was wrong with one. Events are left out: [`log`] tells them.
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

/// What becomes of the events of a key.
pub(crate) type EventLog = fn(&Event);

/// What happened to a key, or to a set of them.
pub(crate) fn log(event: &Event) {
    let (at, name) = (Clock(event.at), &event.name);
    match &event.kind {
        EventKind::Rotated { generation, reason } => say(format_args!(
            "{at} rotated: {name} is at generation {generation}, {}",
            why(*reason)
        )),
        EventKind::Replayed {
            rejected,
            generation,
        } => say(format_args!(
            "{at} replayed: the upstream rejected generation {rejected} of {name}, the request was \
             sent again with generation {generation}"
        )),
        EventKind::FellBack {
            rejected,
            generation,
        } => say(format_args!(
            "{at} fell back: the upstream does not take generation {rejected} of {name} yet, the request was \
             sent again with generation {generation}"
        )),
        EventKind::Rejected { generation } => say(format_args!(
            "{at} rejected: the upstream does not take generation {generation} of {name}, and the client \
             was told so"
        )),
        EventKind::RefreshFailed {
            kind,
            failures,
            next_attempt,
        } => say(format_args!(
            "{at} refresh failed ({kind}, {failures} in a row): {name} stays as it is; next attempt \
             in {:.1} s",
            next_attempt.as_secs_f64()
        )),
        EventKind::Refused {
            reason,
            suppressed: 0,
        } => say(format_args!(
            "{at} refused: a request without a key of {name} that opens it ({reason})"
        )),
        EventKind::Refused { reason, suppressed } => say(format_args!(
            "{at} refused: a request without a key of {name} that opens it ({reason}), and {suppressed} \
             before it"
        )),
        _ => {}
    }
}

fn why(reason: Option<FetchReason>) -> &'static str {
    match reason {
        Some(FetchReason::Changed) => "since its source changed",
        Some(FetchReason::Rejected) => "looked for after a rejection",
        Some(FetchReason::Scheduled) => "found on schedule",
        _ => "on request",
    }
}

/// The time of day, UTC.
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

//! Log lines of the gateway, one per event. None contains a secret.

use std::fmt;
use std::time::Duration;

use tower_rotating_auth::{
    inbound, outbound,
    rotating::{self, Generation},
    source::{FetchReason, SourceErrorKind},
};

use crate::output;

/// The output of events: lines in the log, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventLog {
    Lines,
    Off,
}

impl EventLog {
    /// Returns an observer of a value that is no upstream key.
    pub(crate) fn values(self) -> impl FnMut(&rotating::Event) + Send + 'static {
        move |event| match &event.kind {
            rotating::EventKind::Rotated { generation, reason } => {
                self.rotation(rotated(&event.name, *generation, *reason));
            }
            rotating::EventKind::RefreshFailed {
                kind,
                failures,
                next_attempt,
            } => self.warning(refresh_failed(&event.name, *kind, *failures, *next_attempt)),
            _ => {}
        }
    }

    /// Returns an observer of the upstream's key.
    pub(crate) fn upstream(self) -> impl FnMut(&outbound::Event) + Send + 'static {
        move |event| {
            let name = &event.name;
            match &event.kind {
                outbound::EventKind::Rotated { generation, reason } => {
                    self.rotation(rotated(name, *generation, *reason));
                }
                outbound::EventKind::RefreshFailed {
                    kind,
                    failures,
                    next_attempt,
                } => self.warning(refresh_failed(name, *kind, *failures, *next_attempt)),
                outbound::EventKind::Replayed {
                    rejected,
                    generation,
                    ..
                } => self.line(format_args!(
                    "replayed: upstream rejected {name} {}; sent the request again with \
                         generation {generation}",
                    Rejected(rejected)
                )),
                outbound::EventKind::Rejected { rejected, .. } => self.warning(format_args!(
                    "rejected: upstream rejected {name} {}; answered the client with 502",
                    Rejected(rejected)
                )),
                outbound::EventKind::NeverAccepted { generation } => self.warning(format_args!(
                    "not accepted: upstream has never accepted {name} generation \
                         {generation}; the previous one stays in use. Check the new key"
                )),
                _ => {}
            }
        }
    }

    /// Returns an observer of refused clients.
    pub(crate) fn clients(self) -> impl FnMut(&inbound::Event) + Send + 'static {
        move |event| {
            let name = &event.name;
            match &event.kind {
                inbound::EventKind::Refused { reason, .. } => self.line(format_args!(
                    "refused: request without a valid key of {name} ({reason})"
                )),
                inbound::EventKind::RefusalsNotReported { reason, count } => {
                    self.line(format_args!(
                        "refused: {count} more requests without a valid key of {name} ({reason})"
                    ));
                }
                _ => {}
            }
        }
    }

    fn line(self, text: impl fmt::Display) {
        if self == Self::Lines {
            output::say(format_args!("{text}"));
        }
    }

    fn rotation(self, text: impl fmt::Display) {
        if self == Self::Lines {
            output::announce(format_args!("{text}"));
        }
    }

    fn warning(self, text: impl fmt::Display) {
        if self == Self::Lines {
            output::complain(format_args!("{text}"));
        }
    }
}

fn rotated(name: &str, generation: Generation, reason: Option<FetchReason>) -> String {
    format!(
        "rotated: {name} is at generation {generation} ({})",
        why(reason)
    )
}

fn refresh_failed(name: &str, kind: SourceErrorKind, failures: u32, next: Duration) -> String {
    format!(
        "refresh failed ({kind}, {failures} in a row): keeping {name}; next attempt in {:.1} s",
        next.as_secs_f64()
    )
}

/// Formats the generations that the upstream rejected.
struct Rejected<'a>(&'a [outbound::Attempt]);

impl fmt::Display for Rejected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, attempt) in self.0.iter().enumerate() {
            let before = if number == 0 { "generation" } else { ", then" };
            write!(f, "{before} {}", attempt.generation)?;
            if attempt.result == outbound::AttemptResult::NotActive {
                f.write_str(" (not active yet)")?;
            }
        }
        Ok(())
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

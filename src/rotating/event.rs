//! Events of a rotating value, for `tracing` and for an observer.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::generation::Generation;
use crate::source::{FetchReason, SourceErrorKind};

/// The number of events that may wait for the observer. Further ones are dropped and counted.
const BACKLOG: usize = 1024;

/// An event of a rotating value. It contains no secret, no digest and no part of either.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The name from [`RotatingBuilder::name`](crate::rotating::RotatingBuilder::name).
    pub name: Arc<str>,
    /// The time of the event on the wall clock.
    pub at: SystemTime,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of [`Event`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A new generation became current.
    Rotated {
        /// The new generation.
        generation: Generation,
        /// Why the source was asked; `None` if the value was published manually.
        reason: Option<FetchReason>,
    },
    /// A fetch failed. The last good value stays.
    RefreshFailed {
        /// The kind of the error.
        kind: SourceErrorKind,
        /// The number of failures in a row.
        failures: u32,
        /// The longest time until the next fetch.
        next_attempt: Duration,
    },
    /// The upstream rejected a generation, and the caller got that answer.
    Rejected {
        /// The rejected generation.
        generation: Generation,
    },
    /// The upstream rejected a generation, and the request was replayed with a newer one.
    Replayed {
        /// The rejected generation.
        rejected: Generation,
        /// The generation of the replay.
        generation: Generation,
    },
    /// The upstream rejected a generation that it had not accepted when the request was sent, and
    /// the request was replayed with the previous one.
    FellBack {
        /// The rejected generation.
        rejected: Generation,
        /// The older generation of the replay.
        generation: Generation,
    },
    /// Requests of clients were refused.
    Refused {
        /// The reason, in one word.
        reason: &'static str,
        /// The number of refusals since the last such event that got no event of their own. A flood
        /// is counted, not reported one by one.
        suppressed: u64,
    },
    /// The upstream accepted a generation for the first time.
    InUse {
        /// The accepted generation.
        generation: Generation,
    },
}

/// The sink of events.
///
/// The observer runs on a thread of its own, so that one that blocks or panics holds nothing up.
pub(crate) struct Events {
    name: Arc<str>,
    observer: Option<SyncSender<Event>>,
    dropped: AtomicU64,
}

pub(crate) type Observer = Box<dyn FnMut(&Event) + Send>;

impl Events {
    pub(crate) fn new(name: Arc<str>, observer: Option<Observer>) -> Self {
        Self {
            name,
            observer: observer.map(observe),
            dropped: AtomicU64::new(0),
        }
    }

    pub(crate) fn emit(&self, kind: EventKind, at: SystemTime) {
        self.trace(&kind);
        let Some(observer) = &self.observer else {
            return;
        };
        let event = Event {
            name: Arc::clone(&self.name),
            at,
            kind,
        };
        if observer.try_send(event).is_err() {
            // Relaxed: a count for reports, which orders nothing.
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn trace(&self, kind: &EventKind) {
        let name = &*self.name;
        match kind {
            EventKind::Rotated { generation, reason } => {
                tracing::info!(name, %generation, ?reason, "rotated");
            }
            EventKind::RefreshFailed {
                kind,
                failures,
                next_attempt,
            } => tracing::warn!(name, %kind, failures, ?next_attempt, "refresh failed"),
            EventKind::Rejected { generation } => {
                tracing::warn!(name, %generation, "rejected by the upstream");
            }
            EventKind::Replayed {
                rejected,
                generation,
            } => tracing::info!(name, %rejected, %generation, "replayed"),
            EventKind::FellBack {
                rejected,
                generation,
            } => tracing::info!(name, %rejected, %generation, "fell back"),
            EventKind::Refused { reason, suppressed } => {
                tracing::warn!(name, reason, suppressed, "refused a client");
            }
            EventKind::InUse { generation } => tracing::debug!(name, %generation, "in use"),
        }
    }
}

/// Starts the observer's thread and returns the sender of its events.
///
/// If no thread can be started, the receiver is dropped and every event counts as dropped.
fn observe(mut observer: Observer) -> SyncSender<Event> {
    let (sender, events): (_, Receiver<Event>) = sync_channel(BACKLOG);
    let watch = move || {
        for event in events {
            // Unwind safe for the crate: the observer shares no state with it.
            let result = catch_unwind(AssertUnwindSafe(|| observer(&event)));
            if result.is_err() {
                tracing::error!("the observer of key events panicked");
            }
        }
    };
    if let Err(error) = thread::Builder::new()
        .name("rotating-events".into())
        .spawn(watch)
    {
        tracing::error!(%error, "failed to start a thread for the observer of key events");
    }
    sender
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

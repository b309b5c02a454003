//! What happens to a rotating value, told to `tracing` and to an observer.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::generation::Generation;
use crate::source::{FetchReason, SourceErrorKind};

/// Events that wait for the observer; what comes on top is counted and dropped.
const BACKLOG: usize = 1024;

/// Something that happened. It names no secret, no digest and no part of either.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The name that the rotating value was given.
    pub name: Arc<str>,
    /// When, on the wall clock.
    pub at: SystemTime,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A new generation is current.
    Rotated {
        /// The new generation.
        generation: Generation,
        /// Why the source was asked; `None` where it was published by hand.
        reason: Option<FetchReason>,
    },
    /// The source did not deliver; the last good value stays.
    RefreshFailed {
        /// What kind of failure.
        kind: SourceErrorKind,
        /// How many in a row.
        failures: u32,
        /// When the source is asked again at the latest.
        next_attempt: Duration,
    },
    /// The upstream rejected a generation, and its answer was handed to the caller.
    Rejected {
        /// The rejected generation.
        generation: Generation,
    },
    /// The upstream rejected a generation, and the request was sent again.
    Replayed {
        /// The rejected generation.
        rejected: Generation,
        /// The generation that the request was sent again with.
        generation: Generation,
    },
    /// The upstream rejected a generation that had not proven itself, and the request was sent again with
    /// the one before it.
    FellBack {
        /// The rejected generation.
        rejected: Generation,
        /// The older generation that the request was sent again with.
        generation: Generation,
    },
    /// Requests of clients were refused.
    Refused {
        /// Why, in one word.
        reason: &'static str,
        /// How many refusals were not told since the one before this: a flood is counted, not written out.
        suppressed: u64,
    },
    /// A generation got its first answer that was not a rejection.
    InUse {
        /// The generation that works.
        generation: Generation,
    },
}

/// Where events go. The observer runs on a thread of its own, so that one that blocks or panics holds
/// nothing up: events beyond a backlog are dropped, and counted.
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

/// Where no thread is to be had, the receiver goes at once, and every event counts as dropped.
fn observe(mut observer: Observer) -> SyncSender<Event> {
    let (sender, events): (_, Receiver<Event>) = sync_channel(BACKLOG);
    let watch = move || {
        for event in events {
            // What an observer's panic leaves behind is the observer's own.
            let result = catch_unwind(AssertUnwindSafe(|| observer(&event)));
            if result.is_err() {
                tracing::error!("an observer of key events panicked");
            }
        }
    };
    if let Err(error) = thread::Builder::new()
        .name("rotating-events".into())
        .spawn(watch)
    {
        tracing::error!(%error, "no thread for the observer of key events");
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

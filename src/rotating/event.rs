//! Events of a rotating value, for `tracing` and for an observer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};
use std::{fmt, thread};

use crate::generation::Generation;
use crate::source::{FetchReason, SourceErrorKind};
use crate::telemetry::meter;

/// The number of events that may wait for the observer. Further ones are dropped and counted.
const BACKLOG: usize = 1024;

/// An event of a rotating value. It contains no secret, no digest and no part of either.
///
/// `K` says what happened: an [`EventKind`] of the engine, or one of
/// [`outbound`](crate::outbound::EventKind) or [`inbound`](crate::inbound::EventKind).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event<K = EventKind> {
    /// The name from [`RotatingBuilder::name`](crate::rotating::RotatingBuilder::name).
    pub name: Arc<str>,
    /// The time of the event on the wall clock.
    pub at: SystemTime,
    /// The action.
    pub kind: K,
}

/// The kinds of [`Event`] that every rotating value has.
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
}

impl EventKind {
    /// Returns the kind in a word or two, for logs. These words are stable.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rotated { .. } => "rotated",
            Self::RefreshFailed { .. } => "refresh_failed",
        }
    }
}

/// Writes a kind of event to `tracing`.
pub(crate) trait TraceEvent {
    fn trace(&self, name: &str);
}

impl TraceEvent for EventKind {
    fn trace(&self, name: &str) {
        let event = self.as_str();
        match self {
            Self::Rotated { generation, reason } => {
                tracing::info!(event, name, %generation, ?reason, "rotated");
            }
            Self::RefreshFailed {
                kind,
                failures,
                next_attempt,
            } => tracing::warn!(event, name, %kind, failures, ?next_attempt, "refresh failed"),
        }
    }
}

/// Where the engine reports its events, whatever else is reported there.
pub(crate) trait Emit: Send + Sync {
    fn emit_of_engine(&self, kind: EventKind, at: SystemTime);

    fn dropped(&self) -> u64;

    fn name(&self) -> &Arc<str>;
}

/// The sink of events.
///
/// The observer runs on a thread of its own, so that one that blocks or panics holds nothing up.
pub(crate) struct Events<K> {
    name: Arc<str>,
    observer: Option<SyncSender<Event<K>>>,
    dropped: AtomicU64,
}

pub(crate) type Observer<K> = Box<dyn FnMut(&Event<K>) + Send>;

impl<K: Send + 'static> Events<K> {
    pub(crate) fn new(name: Arc<str>, observer: Option<Observer<K>>) -> Self {
        Self {
            name,
            observer: observer.map(observe),
            dropped: AtomicU64::new(0),
        }
    }
}

impl<K> Events<K> {
    /// Returns how many events were dropped because the observer was too slow.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl<K: TraceEvent> Events<K> {
    pub(crate) fn emit(&self, kind: K, at: SystemTime) {
        kind.trace(&self.name);
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
            meter::add(meter::EVENTS_DROPPED, &self.name, None, 1);
        }
    }
}

impl<K: From<EventKind> + TraceEvent + Send> Emit for Events<K> {
    fn emit_of_engine(&self, kind: EventKind, at: SystemTime) {
        self.emit(kind.into(), at);
    }

    fn dropped(&self) -> u64 {
        self.dropped()
    }

    fn name(&self) -> &Arc<str> {
        self.name()
    }
}

/// Starts the observer's thread and returns the sender of its events.
///
/// If no thread can be started, the receiver is dropped and every event counts as dropped.
fn observe<K: Send + 'static>(mut observer: Observer<K>) -> SyncSender<Event<K>> {
    let (sender, events): (_, Receiver<Event<K>>) = sync_channel(BACKLOG);
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

impl<K> fmt::Debug for Events<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

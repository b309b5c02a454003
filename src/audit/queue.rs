//! Events that wait for the subscriber. Whoever has one never waits for the subscriber.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::event::AuditEvent;

/// The number of events that may wait. Further ones are dropped and counted.
const BACKLOG: usize = 4096;

/// A bounded queue, with one reader.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<AuditEvent>,
    is_closed: bool,
    has_ended: bool,
    dropped: u64,
    /// Those of them that no event has mentioned.
    unmentioned: u64,
}

/// The events that the reader gets.
pub(crate) struct Batch {
    pub(crate) events: VecDeque<AuditEvent>,
    /// Events that were dropped after these.
    pub(crate) dropped: u64,
    pub(crate) is_last: bool,
}

impl Queue {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Queues an event, unless too many wait.
    pub(crate) fn push(&self, event: AuditEvent) -> Pushed {
        let mut state = self.lock();
        if state.events.len() >= BACKLOG {
            state.dropped += 1;
            state.unmentioned += 1;
            return Pushed::Dropped;
        }
        state.events.push_back(event);
        drop(state);
        self.changed.notify_all();
        Pushed::Queued
    }

    /// Waits for at most `patience` for events, and returns all.
    pub(crate) fn take(&self, patience: Duration) -> Batch {
        let is_idle = |state: &mut State| state.events.is_empty() && !state.is_closed;
        let waited = (self.changed).wait_timeout_while(self.lock(), patience, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Batch {
            events: take(&mut state.events),
            dropped: take(&mut state.unmentioned),
            is_last: state.is_closed,
        }
    }

    /// Ends the reader, once it has read what waits.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Says that the reader has read all.
    pub(crate) fn end(&self) {
        self.lock().has_ended = true;
        self.changed.notify_all();
    }

    /// Waits for at most `patience` until the reader has read all. Returns whether it has.
    pub(crate) fn wait_for_end(&self, patience: Duration) -> bool {
        let is_open = |state: &mut State| !state.has_ended;
        let waited = (self.changed).wait_timeout_while(self.lock(), patience, is_open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.has_ended
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outcome for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Queued,
    Dropped,
}

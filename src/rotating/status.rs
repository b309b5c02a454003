//! The status of a rotating value, and subscriptions to its changes.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::value::{Cell, Current};
use crate::generation::Generation;
use crate::source::SourceErrorKind;

/// The state of a rotating value and of its refreshes. Times are wall clock times.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The name from [`RotatingBuilder::name`](crate::rotating::RotatingBuilder::name).
    pub name: Arc<str>,
    /// The current generation.
    pub generation: Generation,
    /// The time since the source was asked for the current value.
    pub age: Duration,
    /// When the current value expires, if its source said so.
    pub expires_at: Option<SystemTime>,
    /// The kind of the last fetch's error; `None` after one that succeeded.
    pub last_error: Option<SourceErrorKind>,
    /// Failed fetches in a row.
    pub failures: u32,
    /// The latest time of the next fetch; `None` if nothing refreshes the value.
    pub next_attempt: Option<SystemTime>,
    /// The number of events dropped because the observer was too slow.
    pub events_dropped: u64,
    /// Whether the value is still refreshed, and by whom.
    pub refresh_state: RefreshState,
}

/// Whether a rotating value is still refreshed, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshState {
    /// The refresh task is running.
    Running,
    /// A [`Publisher`](crate::rotating::Publisher) replaces the value manually; nothing refreshes
    /// it.
    Manual,
    /// The refresh task has stopped or the publisher was dropped. The last value is still served.
    Stopped,
}

/// The writer's part of a [`Status`].
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) generation: Generation,
    pub(crate) last_error: Option<SourceErrorKind>,
    pub(crate) failures: u32,
    pub(crate) next_attempt: Option<SystemTime>,
}

/// A subscription to the changes of a rotating value, created by
/// [`Rotating::subscribe`](crate::Rotating::subscribe).
///
/// A slow subscriber skips generations and gets the newest.
pub struct Subscription<T, S = ()> {
    cell: Arc<Cell<T, S>>,
    progress: watch::Receiver<Progress>,
    seen: Generation,
}

impl<T, S> Subscription<T, S> {
    pub(crate) const fn new(
        cell: Arc<Cell<T, S>>,
        progress: watch::Receiver<Progress>,
        seen: Generation,
    ) -> Self {
        Self {
            cell,
            progress,
            seen,
        }
    }

    /// Waits for a generation that this subscription has not seen yet.
    ///
    /// Returns `None` when there will be no other, because the refresh task has stopped or the
    /// publisher was dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no change: the next call returns it.
    pub async fn changed(&mut self) -> Option<Current<T, S>> {
        loop {
            // Before the load: a change after it wakes the wait below.
            self.progress.mark_unchanged();
            let current = Current::load(&self.cell);
            if current.generation() != self.seen {
                self.seen = current.generation();
                return Some(current);
            }
            drop(current);
            self.progress.changed().await.ok()?;
        }
    }
}

impl<T, S> fmt::Debug for Subscription<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

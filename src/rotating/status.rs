//! How a rotating value is doing, and word of its changes.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::value::Cell;
use super::value::Current;
use crate::generation::Generation;
use crate::source::SourceErrorKind;

/// How a rotating value is doing. Times are the wall clock's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The name that it was given.
    pub name: Arc<str>,
    /// The current generation.
    pub generation: Generation,
    /// How long the current generation has been current.
    pub age: Duration,
    /// When the current value stops being good, if its source told.
    pub expires_at: Option<SystemTime>,
    /// What kind of failure the last attempt was; `None` after one that succeeded.
    pub last_error: Option<SourceErrorKind>,
    /// Failed attempts in a row.
    pub failures: u32,
    /// When the source is asked again at the latest; `None` where nothing asks it.
    pub next_attempt: Option<SystemTime>,
    /// Events that the observer was too slow for.
    pub events_dropped: u64,
    /// Who keeps the value up to date.
    pub refresh_state: RefreshState,
}

/// Who keeps a rotating value up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshState {
    /// The refresh task.
    Running,
    /// Whoever holds the [`Publisher`](crate::rotating::Publisher).
    Manual,
    /// Nobody any more: the refresh task or the publisher is gone. The last good value is still served.
    Stopped,
}

/// What the writer reports of itself.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) generation: Generation,
    pub(crate) last_error: Option<SourceErrorKind>,
    pub(crate) failures: u32,
    pub(crate) next_attempt: Option<SystemTime>,
}

/// Word of each change of a rotating value. Changes that come faster than they are taken are one.
pub struct Subscription<T> {
    cell: Arc<Cell<T>>,
    progress: watch::Receiver<Progress>,
    seen: Generation,
}

impl<T> Subscription<T> {
    pub(crate) const fn new(
        cell: Arc<Cell<T>>,
        progress: watch::Receiver<Progress>,
        seen: Generation,
    ) -> Self {
        Self {
            cell,
            progress,
            seen,
        }
    }

    /// Waits for a generation that this subscription has not seen. `None`: there will be no other,
    /// since the refresh task or the publisher is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the next call sees the change.
    pub async fn changed(&mut self) -> Option<Current<T>> {
        loop {
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

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

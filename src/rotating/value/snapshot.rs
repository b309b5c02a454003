//! The snapshot that a request loads.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, Guard};
use tokio::time::Instant;

use super::content::Content;
use super::deadline::Deadline;
use crate::clock::Now;
use crate::generation::Generation;
use crate::source::Revision;

/// Everything that is published at one time. It is replaced as a whole.
pub(crate) struct Snapshot<T, S> {
    pub(crate) content: Arc<Content<T, S>>,
    pub(crate) revision: Option<Revision>,
    pub(crate) expires: Option<Deadline>,
    /// When the first of the failed fetches since the last success ended.
    pub(crate) failing_since: Option<Instant>,
}

impl<T, S> Snapshot<T, S> {
    /// Creates the first snapshot of a value.
    pub(crate) fn first(value: T, state: S, obtained: Now, expires: Option<Deadline>) -> Self {
        Self {
            content: Arc::new(Content {
                value,
                generation: Generation::FIRST,
                obtained,
                state,
            }),
            revision: None,
            expires,
            failing_since: None,
        }
    }

    /// Returns a snapshot with the same content, to publish it with other details.
    pub(crate) fn same_content(&self) -> Self {
        Self {
            content: Arc::clone(&self.content),
            revision: self.revision.clone(),
            expires: self.expires,
            failing_since: self.failing_since,
        }
    }
}

/// The cell that holds the current snapshot.
pub(crate) type Cell<T, S> = ArcSwap<Snapshot<T, S>>;

/// A value with its generation, as it was when it was loaded.
///
/// It dereferences to the value and does not change when a newer one is published. Load it once for
/// each piece of work and drop it afterwards: an old value is freed when nobody holds it.
pub struct Current<T, S = ()>(Guard<Arc<Snapshot<T, S>>>);

impl<T, S> Current<T, S> {
    pub(crate) fn load(cell: &Cell<T, S>) -> Self {
        Self(cell.load())
    }

    /// Returns the value's generation.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.0.content.generation
    }

    /// Returns when the value expires, if its source said so.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.expires.as_ref().and_then(Deadline::wall)
    }

    /// Returns whether the value has expired at `now`. A value without an expiry never has.
    #[must_use]
    pub fn expired_at(&self, now: SystemTime) -> bool {
        self.expires_at().is_some_and(|expiry| expiry <= now)
    }

    /// Returns for how long every refresh of the value has failed; zero after one that succeeded.
    #[must_use]
    pub fn failing_for(&self) -> Duration {
        let failing = self.0.failing_since.map(|since| since.elapsed());
        failing.unwrap_or_default()
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.0.expires
    }

    pub(crate) fn content(&self) -> &Arc<Content<T, S>> {
        &self.0.content
    }

    /// Returns what is kept beside the value.
    pub(crate) fn state(&self) -> &S {
        &self.0.content.state
    }
}

impl<T, S> From<Arc<Snapshot<T, S>>> for Current<T, S> {
    fn from(snapshot: Arc<Snapshot<T, S>>) -> Self {
        Self(Guard::from_inner(snapshot))
    }
}

impl<T, S> Deref for Current<T, S> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.content.value
    }
}

impl<T, S> fmt::Debug for Current<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current")
            .field("generation", &self.generation())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

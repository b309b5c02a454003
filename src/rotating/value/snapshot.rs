//! The snapshot that a request loads, and the previous value in it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, Guard};
use tokio::time::Instant;

use super::content::Content;
use super::deadline::Deadline;
use super::proven::Proven;
use crate::clock::Now;
use crate::generation::Generation;
use crate::source::Revision;

/// Everything that is published at one time. It is replaced as a whole.
pub(crate) struct Snapshot<T> {
    pub(crate) content: Arc<Content<T>>,
    pub(crate) revision: Option<Revision>,
    pub(crate) expires: Option<Deadline>,
    /// When the first of the failed fetches since the last success ended.
    pub(crate) failing_since: Option<Instant>,
    /// The previous value, to which requests may fall back while the content is unproven.
    pub(crate) previous: Option<Previous<T>>,
}

impl<T> Snapshot<T> {
    /// Creates the first snapshot of a value.
    pub(crate) fn first(value: T, obtained: Now, expires: Option<Deadline>) -> Self {
        Self {
            content: Arc::new(Content::new(value, Generation::FIRST, obtained)),
            revision: None,
            expires,
            failing_since: None,
            previous: None,
        }
    }

    /// Returns a snapshot with the same content, to publish it with other details.
    pub(crate) fn same_content(&self) -> Self {
        Self {
            content: Arc::clone(&self.content),
            revision: self.revision.clone(),
            expires: self.expires,
            failing_since: self.failing_since,
            previous: self.previous.clone(),
        }
    }
}

/// The cell that holds the current snapshot.
pub(crate) type Cell<T> = ArcSwap<Snapshot<T>>;

/// A replaced value that the upstream had accepted. The upstream may not accept the new one yet.
///
/// Values that nobody reports as accepted, such as key sets, are not kept.
pub(crate) struct Previous<T> {
    snapshot: Arc<Snapshot<T>>,
    until: Deadline,
}

impl<T: PartialEq> Previous<T> {
    /// Returns what is kept once `next` replaces `replaced`.
    ///
    /// This is the replaced content, or, if that was never accepted, what was kept beside it. A
    /// value equal to `next` is not kept: falling back to it would send the same key twice.
    pub(crate) fn after(
        replaced: &Snapshot<T>,
        next: &T,
        overlap: Duration,
        now: Now,
    ) -> Option<Self> {
        let kept = if replaced.content.proven() == Proven::No {
            replaced.previous.clone()
        } else {
            let end = Deadline::after(now, overlap);
            Some(Self {
                snapshot: Arc::new(Snapshot {
                    content: Arc::clone(&replaced.content),
                    revision: None,
                    expires: replaced.expires,
                    failing_since: None,
                    previous: None,
                }),
                until: replaced.expires.map_or(end, |expiry| expiry.earlier(end)),
            })
        };
        kept.filter(|kept| kept.is_usable(now) && kept.content().value != *next)
    }
}

impl<T> Previous<T> {
    /// Returns whether requests may fall back to it: until it is rejected, it expires, or the
    /// overlap ends.
    pub(crate) fn is_usable(&self, now: Now) -> bool {
        self.content().proven() == Proven::Yes && !self.until.passed(now)
    }

    pub(crate) fn content(&self) -> &Content<T> {
        &self.snapshot.content
    }

    pub(crate) const fn until(&self) -> Deadline {
        self.until
    }

    pub(crate) fn load(&self) -> Current<T> {
        Current::from(Arc::clone(&self.snapshot))
    }
}

impl<T> Clone for Previous<T> {
    fn clone(&self) -> Self {
        Self {
            snapshot: Arc::clone(&self.snapshot),
            until: self.until,
        }
    }
}

/// A value with its generation, as it was when it was loaded.
///
/// It dereferences to the value and does not change when a newer one is published. Load it once for
/// each piece of work and drop it afterwards: an old value is freed when nobody holds it.
pub struct Current<T>(Guard<Arc<Snapshot<T>>>);

impl<T> Current<T> {
    pub(crate) fn load(cell: &Cell<T>) -> Self {
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

    pub(crate) fn content(&self) -> &Content<T> {
        &self.0.content
    }

    pub(crate) fn previous(&self) -> Option<&Previous<T>> {
        self.0.previous.as_ref()
    }
}

impl<T> From<Arc<Snapshot<T>>> for Current<T> {
    fn from(snapshot: Arc<Snapshot<T>>) -> Self {
        Self(Guard::from_inner(snapshot))
    }
}

impl<T> Deref for Current<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.content.value
    }
}

impl<T> fmt::Debug for Current<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current")
            .field("generation", &self.generation())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

//! The current value: what every request loads, once.

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

/// What is published, whole.
pub(crate) struct Snapshot<T> {
    pub(crate) content: Arc<Content<T>>,
    pub(crate) revision: Option<Revision>,
    pub(crate) expires: Option<Deadline>,
    /// Since when each attempt to load it again has failed.
    pub(crate) failing_since: Option<Instant>,
    /// What a request may go back to while the content has not proven itself.
    pub(crate) previous: Option<Previous<T>>,
}

impl<T> Snapshot<T> {
    /// The first snapshot of a value.
    pub(crate) fn first(value: T, obtained: Now, expires: Option<Deadline>) -> Self {
        Self {
            content: Arc::new(Content::new(value, Generation::FIRST, obtained)),
            revision: None,
            expires,
            failing_since: None,
            previous: None,
        }
    }

    /// The same content, for what is to be published with it.
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

pub(crate) type Cell<T> = ArcSwap<Snapshot<T>>;

/// A value that had proven itself when it was replaced: the upstream may not take the new one yet.
///
/// Values that nobody proves, such as sets of keys, are not kept.
pub(crate) struct Previous<T> {
    snapshot: Arc<Snapshot<T>>,
    until: Deadline,
}

impl<T: PartialEq> Previous<T> {
    /// What is kept once `replaced` is replaced by `next`: its content, or what was kept beside it if it never proved
    /// itself. To go back to what comes again would be to send the same twice.
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
    /// Whether a request may go back to it: not once it has been rejected, has expired, or the overlap is over.
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

/// The value that was current when it was loaded, with its generation.
///
/// It stays what it is, whatever is published meanwhile: load once for each piece of work, and let go
/// of it afterwards.
pub struct Current<T>(Guard<Arc<Snapshot<T>>>);

impl<T> Current<T> {
    pub(crate) fn load(cell: &Cell<T>) -> Self {
        Self(cell.load())
    }

    /// The value's generation.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.0.content.generation
    }

    /// When the value stops being good, if its source told.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.expires.as_ref().and_then(Deadline::wall)
    }

    /// Whether the value has stopped being good at `now`; a value without an expiry never does.
    #[must_use]
    pub fn expired_at(&self, now: SystemTime) -> bool {
        self.expires_at().is_some_and(|expiry| expiry <= now)
    }

    /// For how long each attempt to load the value again has failed; zero after one that succeeded.
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

//! Publishing values manually.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::event::{EventKind, Events};
use super::status::Progress;
use super::value::{Cell, Content, Previous, Snapshot};
use crate::clock::Now;
use crate::clock::WallClock;
use crate::generation::Generation;

/// The only writer of a value that [`Rotating::manual`] created.
///
/// It cannot be cloned, so that no second writer brings an old value back.
///
/// [`Rotating::manual`]: crate::Rotating::manual
pub struct Publisher<T> {
    pub(crate) cell: Arc<Cell<T>>,
    pub(crate) events: Arc<Events>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) wall: WallClock,
    pub(crate) overlap: Duration,
    /// Replaced contents that readers may still hold. They are freed here, so that no reader has
    /// to.
    pub(crate) retired: Vec<Arc<Content<T>>>,
}

impl<T: PartialEq> Publisher<T> {
    /// Makes `value` current for every handle and returns its generation.
    ///
    /// If `value` equals the current one, nothing changes and the current generation is returned.
    ///
    /// If the upstream has accepted the replaced value, requests may fall back to it during the
    /// [overlap](crate::rotating::RotatingBuilder::overlap). It stays in memory until the next
    /// value is published. Use [`cut_over`](Self::cut_over) for a value that leaked.
    pub fn publish(&mut self, value: T) -> Generation {
        let now = self.now();
        let current = self.cell.load_full();
        if current.content.value == value {
            return current.content.generation;
        }
        let previous = Previous::after(&current, &value, self.overlap, now);
        self.replace(current, value, previous, now)
    }

    /// Makes `value` current and drops the previous value, so that no request falls back to it.
    ///
    /// Use this if the previous value leaked. It drops the previous value even if `value` is
    /// already current. Returns the current generation.
    pub fn cut_over(&mut self, value: T) -> Generation {
        let current = self.cell.load_full();
        if current.content.value != value {
            return self.replace(current, value, None, self.now());
        }
        let generation = current.content.generation;
        self.cell.store(Arc::new(Snapshot {
            previous: None,
            ..current.same_content()
        }));
        drop(current);
        self.free_retired();
        generation
    }

    fn replace(
        &mut self,
        current: Arc<Snapshot<T>>,
        value: T,
        previous: Option<Previous<T>>,
        now: Now,
    ) -> Generation {
        let generation = current.content.generation.next();
        self.retired.push(Arc::clone(&current.content));
        self.cell.store(Arc::new(Snapshot {
            content: Arc::new(Content::new(value, generation, now)),
            revision: None,
            expires: None,
            failing_since: None,
            previous,
        }));
        drop(current);
        self.progress
            .send_modify(|progress| progress.generation = generation);
        self.free_retired();
        let reason = None;
        self.events
            .emit(EventKind::Rotated { generation, reason }, now.wall);
        generation
    }

    /// Frees the contents that no reader holds any more.
    fn free_retired(&mut self) {
        // A count of one is final: no published snapshot has the content, so nobody can clone it.
        self.retired
            .retain(|content| Arc::strong_count(content) > 1);
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant::now(),
            wall: (self.wall)(),
        }
    }
}

impl<T> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("name", self.events.name())
            .finish_non_exhaustive()
    }
}

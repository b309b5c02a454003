//! Publishing by hand.

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

/// The right to publish: there is one for each value that [`Rotating::manual`] made, and it cannot be
/// cloned, so that no second writer brings an old value back.
///
/// [`Rotating::manual`]: crate::Rotating::manual
pub struct Publisher<T> {
    pub(crate) cell: Arc<Cell<T>>,
    pub(crate) events: Arc<Events>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) wall: WallClock,
    pub(crate) overlap: Duration,
    /// Contents that readers may still hold. They are let go of here, so that no reader pays for it.
    pub(crate) retired: Vec<Arc<Content<T>>>,
}

impl<T: PartialEq> Publisher<T> {
    /// Makes `value` current, at once and for every handle. The generation moves unless the value equals
    /// the current one; it is returned.
    ///
    /// A value that has proven itself is kept for the [overlap](crate::rotating::RotatingBuilder::overlap), for as long as the upstream
    /// rejects the new one; in memory it stays until the next is published.
    pub fn publish(&mut self, value: T) -> Generation {
        let now = self.now();
        let current = self.cell.load_full();
        if current.content.value == value {
            return current.content.generation;
        }
        let previous = Previous::after(&current, &value, self.overlap, now);
        self.replace(current, value, previous, now)
    }

    /// As [`publish`](Self::publish), and no request goes back to the value before: for one that is
    /// compromised. Also where it has been replaced already, by an equal value.
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

    /// Frees the contents that no reader holds any more, and no snapshot.
    fn free_retired(&mut self) {
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

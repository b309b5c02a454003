//! Publishing by hand.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::builder::WallClock;
use super::event::{EventKind, Events};
use super::expiry::Now;
use super::snapshot::{Cell, Content, Snapshot};
use super::status::Progress;
use super::{Current, Generation};

/// The right to publish: there is one for each value that [`Rotating::by_hand`] made, and it cannot be
/// cloned, so that no second writer brings an old value back.
///
/// [`Rotating::by_hand`]: super::Rotating::by_hand
pub struct Publisher<T> {
    pub(super) cell: Arc<Cell<T>>,
    pub(super) events: Arc<Events>,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) wall: WallClock,
    /// Contents that readers may still hold. They are let go of here, so that no reader pays for it.
    pub(super) retired: Vec<Arc<Content<T>>>,
}

impl<T: PartialEq> Publisher<T> {
    /// Makes `value` current, at once and for every handle. The generation moves unless the value equals
    /// the current one; it is returned.
    pub fn publish(&mut self, value: T) -> Generation {
        let current = Current::load(&self.cell);
        if *current == value {
            return current.generation();
        }
        let generation = current.generation().next();
        drop(current);
        let before = self.cell.load_full();
        self.retired.push(Arc::clone(&before.content));
        drop(before);
        let now = Now {
            mono: Instant::now(),
            wall: (self.wall)(),
        };
        self.cell.store(Arc::new(Snapshot {
            content: Arc::new(Content::new(value, generation, now)),
            revision: None,
            expires: None,
            failing_since: None,
        }));
        self.progress
            .send_modify(|progress| progress.generation = generation);
        self.retired
            .retain(|content| Arc::strong_count(content) > 1);
        let reason = None;
        self.events
            .emit(EventKind::Rotated { generation, reason }, now.wall);
        generation
    }
}

impl<T> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("name", self.events.name())
            .finish_non_exhaustive()
    }
}

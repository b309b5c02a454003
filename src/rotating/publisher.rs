//! Publishing values manually.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::event::{Emit, EventKind};
use super::status::Progress;
use super::value::{Cell, Content, Generations, Replaced, Snapshot};
use crate::clock::{Clocks, Now};
use crate::generation::Generation;
use crate::telemetry::meter;

/// The only writer of a value that [`Rotating::manual`] created.
///
/// It cannot be cloned, so that no second writer brings an old value back.
///
/// [`Rotating::manual`]: crate::Rotating::manual
pub struct Publisher<T, S = ()> {
    pub(crate) cell: Arc<Cell<T, S>>,
    pub(crate) events: Arc<dyn Emit>,
    pub(crate) generations: Arc<dyn Generations<T, S>>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) clocks: Clocks,
    /// Replaced contents that readers may still hold. They are freed here, so that no reader has
    /// to.
    pub(crate) retired: Vec<Arc<Content<T, S>>>,
}

impl<T: PartialEq, S> Publisher<T, S> {
    /// Makes `value` current for every handle and returns its generation.
    ///
    /// If `value` equals the current one, nothing changes and the current generation is returned.
    pub fn publish(&mut self, value: T) -> Generation {
        let current = self.current();
        if current.content.value == value {
            return current.content.generation;
        }
        let now = self.now();
        let replaced = Replaced {
            content: Arc::clone(&current.content),
            expires: current.expires,
        };
        let state = self.generations.next(&replaced, &value, now);
        drop((current, replaced));
        self.replace(value, state, now)
    }
}

impl<T, S> Publisher<T, S> {
    pub(crate) fn current(&self) -> Arc<Snapshot<T, S>> {
        self.cell.load_full()
    }

    /// Makes `value` current, with `state` beside it.
    pub(crate) fn replace(&mut self, value: T, state: S, now: Now) -> Generation {
        let replaced = Arc::clone(&self.current().content);
        let generation = replaced.generation.next();
        self.retired.push(replaced);
        self.cell.store(Arc::new(Snapshot {
            content: Arc::new(Content {
                value,
                generation,
                obtained: now,
                state,
            }),
            revision: None,
            expires: None,
            failing_since: None,
        }));
        self.progress
            .send_modify(|progress| progress.generation = generation);
        self.free_retired();
        meter::current(self.events.name(), generation.get(), None, None);
        let reason = None;
        self.events
            .emit_of_engine(EventKind::Rotated { generation, reason }, now.wall);
        generation
    }

    /// Frees the contents that no reader holds any more.
    pub(crate) fn free_retired(&mut self) {
        // A count of one is final: no published snapshot has the content, so nobody can clone it.
        self.retired
            .retain(|content| Arc::strong_count(content) > 1);
    }

    pub(crate) fn now(&self) -> Now {
        self.clocks.now()
    }
}

impl<T, S> fmt::Debug for Publisher<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("name", self.events.name())
            .finish_non_exhaustive()
    }
}

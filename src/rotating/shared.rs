//! What the writer of a value shares with its handles.

use super::event::Events;
use super::value::{Cell, Snapshot};
use std::sync::Arc;

/// The published value and its events, shared by the writer and the handles.
pub(crate) struct Shared<T> {
    pub(crate) cell: Arc<Cell<T>>,
    pub(crate) events: Arc<Events>,
}

impl<T> Shared<T> {
    pub(crate) fn new(snapshot: Snapshot<T>, events: Events) -> Self {
        Self {
            cell: Arc::new(Cell::from_pointee(snapshot)),
            events: Arc::new(events),
        }
    }

    pub(crate) fn clone_handles(&self) -> Self {
        Self {
            cell: Arc::clone(&self.cell),
            events: Arc::clone(&self.events),
        }
    }
}

//! What the writer of a value shares with its handles.

use super::event::Emit;
use super::value::{Cell, Snapshot};
use std::sync::Arc;

/// The published value and its events, shared by the writer and the handles.
pub(crate) struct Shared<T, S> {
    pub(crate) cell: Arc<Cell<T, S>>,
    pub(crate) events: Arc<dyn Emit>,
}

impl<T, S> Shared<T, S> {
    pub(crate) fn new(snapshot: Snapshot<T, S>, events: Arc<dyn Emit>) -> Self {
        Self {
            cell: Arc::new(Cell::from_pointee(snapshot)),
            events,
        }
    }

    pub(crate) fn clone_handles(&self) -> Self {
        Self {
            cell: Arc::clone(&self.cell),
            events: Arc::clone(&self.events),
        }
    }
}

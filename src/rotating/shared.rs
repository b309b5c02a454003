//! What the writer of a value shares with its handles.

use std::sync::Arc;
use std::time::SystemTime;

use super::event::Emit;
use super::value::{Cell, Deadline, Snapshot};
use crate::source::SourceErrorKind;
use crate::telemetry::meter;

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

    /// Records which value is current, and when its source confirmed it, if it has one.
    pub(crate) fn measure(&self, confirmed_at: Option<SystemTime>) {
        let current = self.cell.load();
        let generation = current.content.generation.get();
        let expires_at = current.expires.as_ref().and_then(Deadline::wall);
        meter::current(self.events.name(), generation, confirmed_at, expires_at);
    }

    /// Creates the counters of failures, since alerts see increases alone.
    pub(crate) fn count_failures(&self) {
        for kind in SourceErrorKind::ALL {
            let outcome = Some(("outcome", kind.as_str()));
            meter::add(meter::REFRESHES, self.events.name(), outcome, 0);
        }
    }

    pub(crate) fn clone_handles(&self) -> Self {
        Self {
            cell: Arc::clone(&self.cell),
            events: Arc::clone(&self.events),
        }
    }
}

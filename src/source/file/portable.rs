//! What every system can do: no watch.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use super::look::Watching;

/// No watch.
pub(super) struct Watch;

impl Watch {
    pub(super) fn new(_: Arc<Notify>) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as the watch that works has it")]
    pub(super) fn arm(&mut self, _: &Path) -> Watching {
        Watching::No
    }
}

//! What every system can do: no watch.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use super::watch_status::WatchStatus;

/// No watch.
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new(_: Arc<Notify>) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as the watch that works has it")]
    pub(crate) fn arm(&mut self, _: &Path) -> WatchStatus {
        WatchStatus::Off
    }
}

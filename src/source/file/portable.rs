//! The portable twin of the watch, which does nothing.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use super::watch_status::WatchStatus;

/// A watch that does not exist.
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new(_: Arc<Notify>) -> Self {
        Self
    }

    #[expect(
        clippy::unused_self,
        reason = "the watch on Unix has the same signature"
    )]
    pub(crate) fn arm(&mut self, _: &Path) -> WatchStatus {
        WatchStatus::Off
    }
}

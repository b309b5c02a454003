//! What every system can do: no watch, no permission bits, no open that cannot hang.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use super::exposure::Exposure;
use super::look::Watching;

/// Opens the file, unless it is something else: opening a pipe, say, would wait for its other end.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::ErrorKind::IsADirectory.into())
    }
}

/// Not to be told here.
pub(super) fn exposure(_: &Metadata) -> Exposure {
    Exposure::Private
}

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

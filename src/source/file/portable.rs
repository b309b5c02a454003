//! The portable twins: a watch that does nothing, and what every file system says of a file.

use std::fs::{File, Metadata};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::changes::Changes;
use super::warnings::{Pinned, WatchError};

/// A watch that does not exist.
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new(_: Arc<Changes>) -> Self {
        Self
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the watch on Unix has the same signature"
    )]
    pub(crate) fn arm(&mut self, _: &Path) -> Result<(), WatchError> {
        Ok(())
    }
}

/// What differs once a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    size: u64,
    modified: Option<SystemTime>,
}

impl Signature {
    pub(crate) fn new(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// Returns `None`: nothing is known here.
pub(crate) fn pinned(_: &File, _: &Metadata) -> Option<Pinned> {
    None
}

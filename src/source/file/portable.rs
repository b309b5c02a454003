//! The portable twins: a watch that does nothing, and what every file system says of a file.

use std::fs::{File, Metadata};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::changes::Changes;
use super::facts::{Pinned, Storage, WatchError};

/// A watch that does not exist.
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new(_: Arc<Changes>) -> Self {
        Self
    }

    #[expect(
        clippy::unused_self,
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

    /// Returns `false`: a file has no identity here.
    #[expect(
        clippy::unused_self,
        reason = "the signature on Unix has the same method"
    )]
    pub(crate) const fn is_same_file(&self, _: &Self) -> bool {
        false
    }
}

/// Returns `None`: nothing is known here.
pub(crate) fn pinned(_: &File, _: &Metadata) -> Option<Pinned> {
    None
}

/// Returns [`Storage::Unknown`]: nothing is known here.
pub(crate) const fn storage(_: &Path, _: Option<&Path>) -> Storage {
    Storage::Unknown
}

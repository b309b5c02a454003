//! Warnings about the file, each logged once.

use std::error::Error;
use std::mem::replace;
use std::path::Path;

use crate::fs::{Distrust, Exposure};

/// Why the watch could not be set up.
pub(crate) type WatchError = Box<dyn Error + Send + Sync>;

/// Why a file may never change, whatever its writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix tells")
)]
pub(crate) enum Pinned {
    /// The file itself is mounted, rather than its folder.
    MountPoint,
    /// The file has no name any more: it was replaced or removed where it is mounted from.
    NoLinks,
}

/// Which warnings have been logged.
#[derive(Default)]
pub(crate) struct Warnings {
    unwatched: Logged,
    exposed: Logged,
    distrusted: Logged,
    mounted: Logged,
    unlinked: Logged,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Logged {
    #[default]
    No,
    Yes,
}

impl Logged {
    fn first_time(&mut self) -> bool {
        replace(self, Self::Yes) == Self::No
    }
}

impl Warnings {
    pub(crate) fn distrusted(&mut self, path: &Path, found: Option<&Distrust>) {
        if let Some(found) = found {
            if self.distrusted.first_time() {
                tracing::warn!(?path, "the key file {found}");
            }
        }
    }

    pub(crate) fn unwatched(&mut self, path: &Path, error: &WatchError) {
        if self.unwatched.first_time() {
            tracing::warn!(
                ?path,
                error = &**error as &dyn Error,
                "cannot watch the key file; it is polled every second"
            );
        }
    }

    pub(crate) fn exposed(&mut self, path: &Path, exposure: Exposure) {
        if let Exposure::Readable { mode } = exposure {
            if self.exposed.first_time() {
                let mode = format!("{mode:04o}");
                tracing::warn!(?path, %mode, "the key file is readable by everybody");
            }
        }
    }

    pub(crate) fn pinned(&mut self, path: &Path, pinned: Pinned) {
        match pinned {
            Pinned::MountPoint => {
                if self.mounted.first_time() {
                    tracing::warn!(
                        ?path,
                        "the key file is a mount of its own, so a file renamed over its source is \
                         never seen; mount the folder instead"
                    );
                }
            }
            Pinned::NoLinks => {
                if self.unlinked.first_time() {
                    tracing::warn!(
                        ?path,
                        "the key file was removed or replaced where it is mounted from, and will \
                         not change any more; mount the folder instead"
                    );
                }
            }
        }
    }
}

//! Warnings about the file, each logged once.

use std::mem::replace;
use std::path::Path;

use super::watch_status::WatchStatus;
use crate::fs::{Distrust, Exposure};

/// Which warnings have been logged.
#[derive(Default)]
pub(crate) struct Warnings {
    unwatched: Logged,
    exposed: Logged,
    distrusted: Logged,
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

    pub(crate) fn log(&mut self, path: &Path, watching: &WatchStatus, exposure: Exposure) {
        if let WatchStatus::Failed(error) = watching {
            if self.unwatched.first_time() {
                tracing::warn!(
                    ?path,
                    error = &**error as &dyn std::error::Error,
                    "cannot watch the key file; falling back to polling"
                );
            }
        }
        if let Exposure::Readable { mode } = exposure {
            if self.exposed.first_time() {
                let mode = format!("{mode:04o}");
                tracing::warn!(?path, %mode, "the key file is readable by everybody");
            }
        }
    }
}

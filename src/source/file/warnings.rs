//! What is not wrong enough for an error.

use std::mem::replace;
use std::path::Path;

use super::probe::Watching;
use crate::fs::Exposure;

/// Which warnings have been given: each is given once.
#[derive(Default)]
pub(crate) struct Warnings {
    unwatched: Given,
    exposed: Given,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Given {
    #[default]
    No,
    Yes,
}

impl Given {
    fn first_time(&mut self) -> bool {
        replace(self, Self::Yes) == Self::No
    }
}

impl Warnings {
    pub(crate) fn note(&mut self, path: &Path, watching: &Watching, exposure: Exposure) {
        if let Watching::Fails(error) = watching {
            if self.unwatched.first_time() {
                tracing::warn!(
                    ?path,
                    error = &**error as &dyn std::error::Error,
                    "a key file cannot be watched for changes, so it is polled"
                );
            }
        }
        if let Exposure::Readable { mode } = exposure {
            if self.exposed.first_time() {
                let mode = format!("{mode:04o}");
                tracing::warn!(?path, %mode, "a key file may be read by everybody");
            }
        }
    }
}

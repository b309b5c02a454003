//! One look at the file: watched first, then opened, checked and read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use super::content::{self, Content};
use super::fault::Fault;
use super::os::{self, Exposure, Watch};

/// Which file, and what it may be like.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) path: PathBuf,
    pub(super) max_bytes: usize,
    pub(super) readable_by_all: Rule,
    pub(super) watch: Wish,
}

/// What becomes of a file that everybody may read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    Warn,
    Refuse,
}

/// Whether the file is to be watched, where that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Watch,
    PollOnly,
}

/// Whether changes of the file will be heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watching {
    Works,
    Fails,
}

/// What stays from look to look.
pub(super) struct Eye {
    watch: Watch,
    warned: Warned,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Warned {
    No,
    Yes,
}

/// What a look found.
pub(super) struct Look {
    pub(super) content: Result<Content, Fault>,
    /// Where the links on the way to the file lead.
    pub(super) target: Option<PathBuf>,
    pub(super) watching: Watching,
}

impl Eye {
    pub(super) fn new(hints: Arc<Notify>) -> Self {
        Self {
            watch: Watch::new(hints),
            warned: Warned::No,
        }
    }

    /// Looks at the file. Blocks for as long as the file system does.
    pub(super) fn look(&mut self, subject: &Subject) -> Look {
        // The watch comes first, so that what changes after the read is heard of. So does the target:
        // if a link is swapped in between, it merely takes two looks instead of one.
        let watching = match subject.watch {
            Wish::Watch => self.watch.arm(&subject.path),
            Wish::PollOnly => Watching::Fails,
        };
        let target = fs::canonicalize(&subject.path).ok();
        Look {
            content: self.read(subject),
            target,
            watching,
        }
    }

    fn read(&mut self, subject: &Subject) -> Result<Content, Fault> {
        let path = &*subject.path;
        let file = os::open(path).map_err(|error| why_not_opened(path, error.into()))?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(Fault::NotRegular);
        }
        self.judge_exposure(os::exposure(&found), subject)?;
        let max = subject.max_bytes;
        if found.len() > u64::try_from(max).unwrap_or(u64::MAX) {
            return Err(Fault::TooLarge { max });
        }
        let bytes = content::read(&file, found.len(), max)?.ok_or(Fault::TooLarge { max })?;
        Ok(Content::new(bytes))
    }

    fn judge_exposure(&mut self, exposure: Exposure, subject: &Subject) -> Result<(), Fault> {
        match (exposure, subject.readable_by_all) {
            (Exposure::Writable { mode }, _) => Err(Fault::Writable { mode }),
            (Exposure::Readable { mode }, Rule::Refuse) => Err(Fault::Readable { mode }),
            (Exposure::Readable { mode }, Rule::Warn) => {
                if self.warned == Warned::No {
                    self.warned = Warned::Yes;
                    tracing::warn!(
                        path = ?subject.path,
                        mode = format_args!("{mode:04o}"),
                        "a key file may be read by everybody"
                    );
                }
                Ok(())
            }
            (Exposure::Private, _) => Ok(()),
        }
    }
}

/// Tells a link to nothing from nothing, and what is there but cannot be opened (a socket, say).
fn why_not_opened(path: &Path, fault: Fault) -> Fault {
    match fault {
        Fault::Missing(error)
            if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) =>
        {
            Fault::Dangling(error)
        }
        Fault::Io(_) if fs::metadata(path).is_ok_and(|found| !found.is_file()) => Fault::NotRegular,
        fault => fault,
    }
}

//! One look at the file: watched first, then opened, checked and read.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use super::content::Content;
use super::fault::Fault;
use super::os::Watch;
use crate::fs::{Exposure, SecretFile, open};

/// A file with more is hardly one key.
const MAX_BYTES: usize = 64 * 1024;

/// Which file, and what it may be like.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) path: PathBuf,
    /// What was told, if anything was.
    pub(crate) max_bytes: Option<usize>,
    pub(crate) readable_by_all: Rule,
    pub(crate) watch: Wish,
}

/// What becomes of a file that everybody may read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    Warn,
    Refuse,
}

/// Whether the file is to be watched, where that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Watch,
    PollOnly,
}

/// Whether changes of the file will be heard of.
#[derive(Debug)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix is watched")
)]
pub(crate) enum Watching {
    Works,
    /// The watch cannot be had.
    Fails(Box<dyn Error + Send + Sync>),
    /// There is none: it is not wanted, or this system has none.
    No,
}

/// What a look found.
pub(crate) struct Look {
    pub(crate) content: Result<Content, Fault>,
    /// Where the links on the way to the file lead.
    pub(crate) target: Option<PathBuf>,
    pub(crate) watching: Watching,
    pub(crate) exposure: Exposure,
}

/// What stays from look to look.
pub(crate) struct Eye {
    watch: Watch,
}

impl Eye {
    pub(crate) fn new(hints: Arc<Notify>) -> Self {
        Self {
            watch: Watch::new(hints),
        }
    }

    /// Looks at the file. Blocks for as long as the file system does.
    pub(crate) fn look(&mut self, subject: &Subject) -> Look {
        // The watch comes first, so that what changes after the read is heard of. So does the target:
        // if a link is swapped in between, it merely takes two looks instead of one.
        let watching = match subject.watch {
            Wish::Watch => self.watch.arm(&subject.path),
            Wish::PollOnly => Watching::No,
        };
        let target = fs::canonicalize(&subject.path).ok();
        let (content, exposure) = match read(subject) {
            Ok((content, exposure)) => (Ok(content), exposure),
            Err(fault) => (Err(fault), Exposure::Private),
        };
        Look {
            content,
            target,
            watching,
            exposure,
        }
    }
}

fn read(subject: &Subject) -> Result<(Content, Exposure), Fault> {
    let path = &*subject.path;
    let file = open(path).map_err(|error| why_not_opened(path, error.into()))?;
    let file = SecretFile::check(file)?;
    let exposure = file.exposure();
    if let (Exposure::Readable { mode }, Rule::Refuse) = (exposure, subject.readable_by_all) {
        return Err(Fault::Readable { mode });
    }
    let bytes = file.read(subject.max_bytes.unwrap_or(MAX_BYTES))?;
    Ok((Content::new(bytes), exposure))
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

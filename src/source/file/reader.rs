//! One look at the file: watched first, then opened, checked and read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use super::content::Content;
use super::fault::Fault;
use super::os::Watch;
use super::watch_status::WatchStatus;
use crate::fs::{Exposure, SecretFile, open};

/// A file with more is hardly one key.
const MAX_BYTES: usize = 64 * 1024;

/// Which file, and what it may be like.
#[derive(Clone, Debug)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    /// What was told, if anything was.
    pub(crate) max_bytes: Option<usize>,
    pub(crate) world_readable: WorldReadable,
    pub(crate) watch: WatchMode,
}

/// What becomes of a file that everybody may read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WorldReadable {
    Warn,
    Refuse,
}

/// Whether the file is to be watched, where that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchMode {
    Watch,
    PollOnly,
}

/// What a look found.
pub(crate) struct Reading {
    pub(crate) content: Result<Content, Fault>,
    /// Where the links on the way to the file lead.
    pub(crate) target: Option<PathBuf>,
    pub(crate) watching: WatchStatus,
    pub(crate) exposure: Exposure,
}

/// What stays from look to look.
pub(crate) struct Reader {
    watch: Watch,
}

impl Reader {
    pub(crate) fn new(hints: Arc<Notify>) -> Self {
        Self {
            watch: Watch::new(hints),
        }
    }

    /// Looks at the file. Blocks for as long as the file system does.
    pub(crate) fn read(&mut self, options: &FileOptions) -> Reading {
        // The watch comes first, so that what changes after the read is heard of. So does the target:
        // if a link is swapped in between, it merely takes two looks instead of one.
        let watching = match options.watch {
            WatchMode::Watch => self.watch.arm(&options.path),
            WatchMode::PollOnly => WatchStatus::Off,
        };
        let target = fs::canonicalize(&options.path).ok();
        let (content, exposure) = match read_content(options) {
            Ok((content, exposure)) => (Ok(content), exposure),
            Err(fault) => (Err(fault), Exposure::Private),
        };
        Reading {
            content,
            target,
            watching,
            exposure,
        }
    }
}

fn read_content(options: &FileOptions) -> Result<(Content, Exposure), Fault> {
    let path = &*options.path;
    let file = open(path).map_err(|error| why_not_opened(path, error.into()))?;
    let file = SecretFile::check(file)?;
    let exposure = file.exposure();
    if let (Exposure::Readable { mode }, WorldReadable::Refuse) = (exposure, options.world_readable)
    {
        return Err(Fault::Readable { mode });
    }
    let bytes = file.read(options.max_bytes.unwrap_or(MAX_BYTES))?;
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

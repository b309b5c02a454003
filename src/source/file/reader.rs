//! One read of the file: it is watched first, then opened, checked and read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use super::content::Content;
use super::fault::Fault;
use super::os::Watch;
use super::watch_status::WatchStatus;
use crate::fs::{Custody, Distrust, Exposure, SecretFile, open};

/// The default size limit: no key is that long.
const MAX_BYTES: usize = 64 * 1024;

/// Which file to read, and what is accepted.
#[derive(Clone, Debug)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    /// The limit that was set, if one was.
    pub(crate) max_bytes: Option<usize>,
    pub(crate) world_readable: WorldReadable,
    pub(crate) custody: Custody,
    pub(crate) watch: WatchMode,
}

/// What to do with a file that everybody may read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WorldReadable {
    Warn,
    Refuse,
}

/// Whether to watch the file, where that is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchMode {
    Watch,
    PollOnly,
}

/// The result of one read.
pub(crate) struct Reading {
    pub(crate) content: Result<Content, Fault>,
    /// Where the links of the path lead.
    pub(crate) target: Option<PathBuf>,
    pub(crate) watching: WatchStatus,
    pub(crate) exposure: Exposure,
    pub(crate) distrust: Option<Distrust>,
}

/// Reads the file, and keeps the watch between two reads.
pub(crate) struct Reader {
    watch: Watch,
}

impl Reader {
    pub(crate) fn new(hints: Arc<Notify>) -> Self {
        Self {
            watch: Watch::new(hints),
        }
    }

    /// Reads the file. Blocks as long as the file system does.
    pub(crate) fn read(&mut self, options: &FileOptions) -> Reading {
        // The watch first: a change after the read causes an event. The target before the content:
        // if a link is swapped in between, the fetch takes two reads instead of one.
        let watching = match options.watch {
            WatchMode::Watch => self.watch.arm(&options.path),
            WatchMode::PollOnly => WatchStatus::Off,
        };
        let target = fs::canonicalize(&options.path).ok();
        let (content, exposure, distrust) = match read_content(options) {
            Ok((content, exposure, distrust)) => (Ok(content), exposure, distrust),
            Err(fault) => (Err(fault), Exposure::Private, None),
        };
        Reading {
            content,
            target,
            watching,
            exposure,
            distrust,
        }
    }
}

fn read_content(options: &FileOptions) -> Result<(Content, Exposure, Option<Distrust>), Fault> {
    let path = &*options.path;
    let file = open(path).map_err(|error| why_not_opened(path, error.into()))?;
    let file = SecretFile::check(file)?;
    let distrust = options.custody.check(path, file.file())?;
    let exposure = file.exposure();
    if let (Exposure::Readable { mode }, WorldReadable::Refuse) = (exposure, options.world_readable)
    {
        return Err(Fault::Readable { mode });
    }
    let bytes = file.read(options.max_bytes.unwrap_or(MAX_BYTES))?;
    Ok((Content::new(bytes), exposure, distrust))
}

/// Distinguishes a link to nothing from nothing, and a file that cannot be opened, such as a
/// socket.
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

//! One read of the file: it is watched first, then opened, checked and read.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::changes::{Changes, Mark};
use super::content::{Content, Field};
use super::facts::{Pinned, Storage, WatchError};
use super::fault::Fault;
use super::os::{Signature, Watch, pinned, storage};
use super::settle::Steadiness;
use crate::fs::{Custody, Distrust, Exposure, SecretFile, open};
use crate::source::key_check::KeyCheck;

/// The default size limit: no key is that long.
const MAX_BYTES: usize = 64 * 1024;

/// Which file to read, and what is accepted.
#[derive(Clone, Debug)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    /// The field that holds the key, or `None` if the file holds nothing else.
    pub(crate) field: Option<Field>,
    pub(crate) check: KeyCheck,
    /// The limit that was set, if one was.
    pub(crate) max_bytes: Option<usize>,
    pub(crate) world_readable: WorldReadable,
    pub(crate) custody: Custody,
    pub(crate) watch: WatchMode,
}

/// What to do with a file that everybody may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorldReadable {
    Allow,
    Warn,
    Refuse,
}

/// Whether to watch the file, where that is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchMode {
    Watch,
    PollOnly,
}

/// What is at a path, without a look at the content.
pub(crate) type PathState = Result<Signature, ErrorKind>;

/// The result of one read.
pub(crate) struct Reading {
    /// The last event before the read.
    pub(crate) mark: Mark,
    /// The last event about the writer before the read.
    pub(crate) written: Mark,
    /// What was at the path before the read.
    pub(crate) path_state: PathState,
    pub(crate) storage: Storage,
    /// Where the links of the path lead.
    pub(crate) target: Option<PathBuf>,
    pub(crate) watch: Result<(), WatchError>,
    pub(crate) file: Result<FileRead, Fault>,
}

/// A file that could be read.
pub(crate) struct FileRead {
    pub(crate) content: Content,
    pub(crate) steadiness: Steadiness,
    pub(crate) signature: Signature,
    pub(crate) exposure: Exposure,
    pub(crate) distrust: Option<Distrust>,
    pub(crate) pinned: Option<Pinned>,
}

/// Reads the file, and keeps the watch between two reads.
pub(crate) struct Reader {
    watch: Watch,
    changes: Arc<Changes>,
}

impl Reader {
    pub(crate) fn new(changes: Arc<Changes>) -> Self {
        Self {
            watch: Watch::new(Arc::clone(&changes)),
            changes,
        }
    }

    /// Reads the file. Blocks as long as the file system does.
    pub(crate) fn read(&mut self, options: &FileOptions) -> Reading {
        // The watch first: a change after the read causes an event. The position before the read,
        // and the target before the content: what changes in between costs a second read.
        let watch = match options.watch {
            WatchMode::Watch => self.watch.arm(&options.path),
            WatchMode::PollOnly => Ok(()),
        };
        let mark = self.changes.last();
        let written = self.changes.last_written();
        let path_state = path_state(&options.path);
        let target = fs::canonicalize(&options.path).ok();
        Reading {
            mark,
            written,
            path_state,
            storage: storage(&options.path, target.as_deref()),
            target,
            watch,
            file: read_file(options),
        }
    }
}

/// Returns what is at the path. Blocks as long as the file system does.
pub(crate) fn path_state(path: &Path) -> PathState {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Signature::new(&metadata)),
        Err(error) => Err(error.kind()),
    }
}

fn read_file(options: &FileOptions) -> Result<FileRead, Fault> {
    let path = &*options.path;
    let file = open(path).map_err(|error| why_not_opened(path, error.into()))?;
    let file = SecretFile::check(file)?;
    let distrust = options.custody.check(path, file.file())?;
    let exposure = file.exposure();
    if let (Exposure::Readable { mode }, WorldReadable::Refuse) = (exposure, options.world_readable)
    {
        return Err(Fault::Readable { mode });
    }
    let before = file.file().metadata()?;
    let bytes = file.read(options.max_bytes.unwrap_or(MAX_BYTES))?;
    let after = file.file().metadata()?;
    Ok(FileRead {
        content: Content::new(bytes, options.field.as_ref()),
        steadiness: steadiness(&before, &after),
        signature: Signature::new(&after),
        exposure,
        distrust,
        pinned: pinned(file.file(), &after),
    })
}

fn steadiness(before: &Metadata, after: &Metadata) -> Steadiness {
    if Signature::new(before) == Signature::new(after) {
        Steadiness::Steady
    } else {
        Steadiness::Unsteady
    }
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

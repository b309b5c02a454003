//! What Unix can do: an open that never hangs, permission bits, a watch.

mod ears;
mod trail;
mod watch;

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;

pub(super) use self::watch::Watch;

/// Opens whatever is there: `O_NONBLOCK` does not wait for the other end of a pipe.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?;
    Ok(file.into())
}

/// Who else may get at the file.
pub(super) enum Exposure {
    /// The owner, and perhaps a group that may read it.
    Private,
    /// Everybody may read it.
    Readable { mode: u32 },
    /// The group or everybody may write it.
    Writable { mode: u32 },
}

pub(super) fn exposure(found: &Metadata) -> Exposure {
    let mode = found.mode() & 0o7777;
    if mode & 0o022 != 0 {
        Exposure::Writable { mode }
    } else if mode & 0o004 != 0 {
        Exposure::Readable { mode }
    } else {
        Exposure::Private
    }
}

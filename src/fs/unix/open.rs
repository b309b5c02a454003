//! An open that never blocks, and permission bits.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;

use crate::fs::exposure::Exposure;

/// Opens any file for reading. `O_NONBLOCK`: a pipe does not wait for its other end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?;
    Ok(file.into())
}

/// Returns who may access the file, by its mode.
pub(crate) fn exposure(found: &Metadata) -> Exposure {
    of_mode(found.mode())
}

fn of_mode(mode: u32) -> Exposure {
    let mode = mode & 0o7777;
    if mode & 0o022 != 0 {
        Exposure::Writable { mode }
    } else if mode & 0o004 != 0 {
        Exposure::Readable { mode }
    } else {
        Exposure::Private
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposure_follows_the_mode() {
        for mode in [0o600, 0o400, 0o640, 0o100_440] {
            assert_eq!(of_mode(mode), Exposure::Private, "{mode:o}");
        }
        for mode in [0o644, 0o444, 0o604] {
            assert_eq!(of_mode(mode), Exposure::Readable { mode });
        }
        for mode in [0o620, 0o602, 0o666, 0o1777] {
            assert_eq!(of_mode(mode), Exposure::Writable { mode });
        }
    }
}

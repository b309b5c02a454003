//! The operations that every system has: no permission bits or owners, and no open that cannot
//! block.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use super::exposure::Exposure;

/// Opens the file, unless it is something else: opening a pipe, say, would wait for its other end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::ErrorKind::IsADirectory.into())
    }
}

/// Returns [`Exposure::Private`]: nothing is known here.
pub(crate) fn exposure(_: &Metadata) -> Exposure {
    Exposure::Private
}

pub(crate) fn owner_only(_: &mut OpenOptions) {}

pub(crate) fn copy_access(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

pub(crate) fn copy_access_as_allowed(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

pub(crate) fn set_access(_: &File, _: Option<&Metadata>, _: u32) -> io::Result<()> {
    Ok(())
}

/// Returns whether there is a file at `path`; whether it is this one is not known here.
pub(crate) fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

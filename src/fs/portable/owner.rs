//! What every system can do: no owners, no permission bits, no folder that can be written to the disk.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

pub(crate) fn private(_: &mut OpenOptions) {}

pub(crate) fn give_to_readers_of(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

pub(crate) fn give_as_far_as_allowed(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

pub(crate) fn give(_: &File, _: Option<&Metadata>, _: u32) -> io::Result<()> {
    Ok(())
}

/// Whether there is a file at `path`; which one cannot be told.
pub(crate) fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

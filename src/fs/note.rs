//! The highest serial that was written, in a file beside the key file. It shows that a key file
//! was replaced with an older copy.
//!
//! It is written without a sync: it protects against mistakes, and the next write writes it again.
//! `older_copy_is_refused_until_its_number_is_raised` shows what it is for.

use std::fs::Metadata;
use std::io::{self, ErrorKind};

use super::paths::Paths;
use super::read::read_bounded;
#[cfg(feature = "keyring")]
use super::replace::{Access, replace_unsynced};

/// More than the length of any note, in bytes.
const MAX_BYTES: usize = 64;

/// Returns the highest serial that was noted beside the key file, under the present name or the one
/// that earlier versions used. If it cannot be read, returns the note with the error.
///
/// The old note is left as it is: the present one soon passes it, and the higher of the two counts.
pub(crate) fn noted_serial(paths: &Paths) -> Result<Option<u64>, (Paths, io::Error)> {
    let read = |note: Paths| read(&note).map_err(|error| (note, error));
    Ok(read(paths.note())?.max(read(paths.old_note())?))
}

fn read(note: &Paths) -> io::Result<Option<u64>> {
    let Some(file) = note.open_if_exists()? else {
        return Ok(None);
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file; remove it"));
    }
    let note = read_bounded(&file, 0, MAX_BYTES)?.ok_or(ErrorKind::InvalidData)?;
    let note = std::str::from_utf8(&note).map_err(io::Error::other)?;
    match note.strip_suffix('\n') {
        // Its writer has not written it yet, or the machine has stopped before it was on the disk.
        None => Ok(None),
        Some(serial) => serial.parse().map(Some).map_err(io::Error::other),
    }
}

/// Writes the note beside a key file like `like`. The caller must hold the lock.
///
/// Everybody may read the note: it is not secret, and every reader of the key file needs it.
#[cfg(feature = "keyring")]
pub(crate) fn write_note(paths: &Paths, serial: u64, like: &Metadata) -> io::Result<()> {
    let note = format!("{serial:020}\n");
    replace_unsynced(&paths.note(), note.as_bytes(), Access::Public(like))
}

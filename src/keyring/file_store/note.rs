//! The highest serial that was written, beside the file: an older one that somebody puts back is known for what it is.

use std::fs::Metadata;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::fs::{open_if_exists, open_or_create, read_bounded, set_access};

/// As long as any note, and some.
const MAX_BYTES: usize = 64;

/// The serial that was noted, if any was.
pub(crate) fn read(path: &Path) -> io::Result<Option<u64>> {
    let Some(file) = open_if_exists(path)? else {
        return Ok(None);
    };
    let note = read_bounded(&file, 0, MAX_BYTES)?.ok_or(ErrorKind::InvalidData)?;
    let note = std::str::from_utf8(&note).map_err(io::Error::other)?;
    match note.strip_suffix('\n') {
        // Its first writer is about to write it, or ended before it had.
        None => Ok(None),
        Some(serial) => serial.parse().map(Some).map_err(io::Error::other),
    }
}

/// Notes that this serial was written. Only the holder of the lock may do so.
///
/// Everybody may read the note: it is no secret, and who may read the file must not fail on it.
pub(crate) fn write(path: &Path, serial: u64, like: &Metadata) -> io::Result<()> {
    let mut file = open_or_create(path)?;
    set_access(&file, Some(like), 0o644)?;
    // As long as any: it is overwritten in place, so that a full disk does not matter.
    file.write_all(format!("{serial:020}\n").as_bytes())
}

//! The highest serial that was written, in a file beside the key file. It shows that a key file
//! was replaced with an older copy.
//!
//! The note is 21 bytes long and is overwritten in place, so it costs no rename and no sync.
//! `older_copy_is_refused_until_its_number_is_raised` in `tests/writers.rs` shows what it is for.

use std::fs::Metadata;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::fs::{open_if_exists, open_or_create, read_bounded, set_access};

/// More than the length of any note, in bytes.
const MAX_BYTES: usize = 64;

/// Returns the serial in the note, if there is one.
pub(crate) fn read(path: &Path) -> io::Result<Option<u64>> {
    let Some(file) = open_if_exists(path)? else {
        return Ok(None);
    };
    let note = read_bounded(&file, 0, MAX_BYTES)?.ok_or(ErrorKind::InvalidData)?;
    let note = std::str::from_utf8(&note).map_err(io::Error::other)?;
    match note.strip_suffix('\n') {
        // Its first writer has not written it yet, or ended before it did.
        None => Ok(None),
        Some(serial) => serial.parse().map(Some).map_err(io::Error::other),
    }
}

/// Writes the note. The caller must hold the lock.
///
/// Everybody may read the note: it is not secret, and every reader of the key file needs it.
pub(crate) fn write(path: &Path, serial: u64, like: &Metadata) -> io::Result<()> {
    let mut file = open_or_create(path)?;
    set_access(&file, Some(like), 0o644)?;
    // Always the same length and overwritten in place: it can be written even if the disk is full.
    file.write_all(format!("{serial:020}\n").as_bytes())
}

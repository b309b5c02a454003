//! The highest serial that was written, in a file beside the key file, so that an older copy put back is recognised.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use super::os;

/// Reads the serial from a note, if there is one.
pub(crate) fn read(path: &Path) -> io::Result<Option<u64>> {
    let mut note = String::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?.read_to_string(&mut note)?,
    };
    match note.strip_suffix('\n') {
        // Its first writer is about to write it, or ended before it had.
        None => Ok(None),
        Some(serial) => serial.parse().map(Some).map_err(io::Error::other),
    }
}

/// Writes a serial into a note. Only the holder of the lock may do so.
///
/// Everybody may read the note: it is no secret, and who may read the file must not fail on it.
pub(crate) fn write(path: &Path, serial: u64, like: &Metadata) -> io::Result<()> {
    let mut options = OpenOptions::new();
    os::private(options.write(true).create(true).truncate(false));
    let mut file = options.open(path)?;
    os::give(&file, Some(like), 0o644)?;
    // As long as any: it is overwritten in place, so that a full disk does not matter.
    file.write_all(format!("{serial:020}\n").as_bytes())
}

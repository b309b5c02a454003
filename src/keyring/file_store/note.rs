//! The highest generation that was written, beside the file: an older one that somebody puts back is known for what it is.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use crate::fs::{give, private};

/// The generation that was noted, if any was.
pub(crate) fn read(path: &Path) -> io::Result<Option<u64>> {
    let mut note = String::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?.read_to_string(&mut note)?,
    };
    match note.strip_suffix('\n') {
        // Its first writer is about to write it, or ended before it had.
        None => Ok(None),
        Some(generation) => generation.parse().map(Some).map_err(io::Error::other),
    }
}

/// Notes that this generation was written. Only the holder of the lock may do so.
///
/// Everybody may read the note: it is no secret, and who may read the file must not fail on it.
pub(crate) fn write(path: &Path, generation: u64, like: &Metadata) -> io::Result<()> {
    let mut options = OpenOptions::new();
    private(options.write(true).create(true).truncate(false));
    let mut file = options.open(path)?;
    give(&file, Some(like), 0o644)?;
    // As long as any: it is overwritten in place, so that a full disk does not matter.
    file.write_all(format!("{generation:020}\n").as_bytes())
}

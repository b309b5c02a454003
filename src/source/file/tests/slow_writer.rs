//! A writer that pauses between the pieces of a key. The tests in `tests/files/` use it, too.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Truncate,
    Overwrite,
    UnlinkAndCreate,
}

/// A key that differs from the next one in every byte, and is one byte shorter.
pub(crate) fn key(number: usize) -> String {
    let letter = if number % 2 == 0 { "e" } else { "o" };
    letter.repeat(number + 10)
}

/// Writes four bytes at a time, with a pause before each piece and one before the file is closed.
pub(crate) fn write_slowly(path: &Path, way: Way, pause: Duration, content: &str) {
    let mut options = OpenOptions::new();
    match way {
        Way::Truncate => options.truncate(true),
        Way::Overwrite => &mut options,
        Way::UnlinkAndCreate => {
            fs::remove_file(path).unwrap();
            options.create_new(true).mode(0o600)
        }
    };
    let mut file = options.write(true).open(path).unwrap();
    for piece in content.as_bytes().chunks(4) {
        thread::sleep(pause);
        file.write_all(piece).unwrap();
    }
    thread::sleep(pause);
}

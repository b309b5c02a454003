//! Replaces a file so that there is the old content or the new, whenever the power fails.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};

use super::os;
use super::place::Place;

/// What a write does, one after the other: where it can fail, and where it can end with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Lock,
    Create,
    Write,
    Sync,
    Rename,
    SyncFolder,
    Note,
}

/// For whom a new content is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Readers<'a> {
    /// Its owner alone.
    Nobody,
    /// Those of this file, whose place it takes; or it is not written.
    Of(&'a File),
    /// Those of this file, as far as this user may say so: never others.
    AsFarAs(&'a File),
}

impl<'a> Readers<'a> {
    /// Those of the file that was there, if there was one.
    pub(crate) fn of(old: Option<&'a File>) -> Self {
        old.map_or(Self::Nobody, Self::Of)
    }

    fn give(self, file: &File) -> io::Result<()> {
        match self {
            Self::Nobody => Ok(()),
            Self::Of(old) => os::give_to_readers_of(old, file),
            Self::AsFarAs(old) => os::give_as_far_as_allowed(old, file),
        }
    }
}

/// So much at a time.
const PIECE: usize = 64 * 1024;

/// Puts `text` in the file's place, for these readers. Only the holder of the lock may do so: what lies
/// where the next content is written was left by a writer that is gone.
pub(crate) fn replace(
    place: &Place,
    text: &[u8],
    readers: Readers<'_>,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    let next = place.next();
    before(Step::Create)?;
    match fs::remove_file(&next) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    os::private(options.write(true).create_new(true));
    let file = options.open(&next)?;
    let written = fill(file, text, readers, before).and_then(|()| {
        before(Step::Rename)?;
        fs::rename(&next, &place.file)
    });
    if let Err(error) = written {
        // The error that is told is the first one.
        let _ = fs::remove_file(&next);
        return Err(error);
    }
    sync_folder(place, before)
}

/// Writes to the disk which file is in the place.
pub(crate) fn sync_folder(
    place: &Place,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    before(Step::SyncFolder)?;
    os::sync_folder(&place.folder)
}

fn fill(
    mut file: File,
    text: &[u8],
    readers: Readers<'_>,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    readers.give(&file)?;
    for piece in text.chunks(PIECE) {
        before(Step::Write)?;
        file.write_all(piece)?;
    }
    before(Step::Sync)?;
    file.sync_all()
}

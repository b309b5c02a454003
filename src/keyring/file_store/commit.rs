//! Reads the file, and writes it under its lock.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::format;
use super::lock::Lock;
use super::note;
use super::place::Place;
use super::replace::{Readers, Step, replace, sync_folder};
use crate::keyring::state::KeyRingState;
use crate::keyring::store::StoreError;
use crate::secret_file;
use crate::secret_file::Exposure;

/// Some hundred thousand keys, and no more than a [`FileSource`](crate::source::FileSource) takes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What was found in the file's place.
struct Found {
    ledger: KeyRingState,
    /// If there is one.
    file: Option<File>,
}

/// The file, and what became of the last commit.
#[derive(Debug)]
pub(crate) struct Desk {
    path: PathBuf,
    last: Last,
}

/// What is known of the last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// It is there after a crash, or was never there.
    Settled,
    /// It is there, and nobody knows whether it is after a crash.
    Unsettled,
}

impl Desk {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self {
            path,
            last: Last::Settled,
        }
    }

    /// Reads the file, once what is in it is there to stay.
    pub(crate) fn load(
        &mut self,
        before: impl FnMut(Step) -> io::Result<()>,
    ) -> Result<KeyRingState, StoreError> {
        if self.last == Last::Unsettled {
            settle(&self.path, before)?;
            self.last = Last::Settled;
        }
        load(&self.path)
    }

    pub(crate) fn commit(
        &mut self,
        base: &KeyRingState,
        next: &KeyRingState,
        mut before: impl FnMut(Step) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let last = &mut self.last;
        commit(&self.path, base, next, |step| {
            match step {
                Step::SyncFolder => *last = Last::Unsettled,
                Step::Note => *last = Last::Settled,
                _ => {}
            }
            before(step)
        })
    }
}

pub(crate) fn load(path: &Path) -> Result<KeyRingState, StoreError> {
    let place = find(path)?;
    // First what was noted: a writer notes a serial after it has written it.
    let noted = noted(&place)?;
    let found = read(&place, path)?;
    not_put_back(&found, noted, &place, path)?;
    Ok(found.ledger)
}

pub(crate) fn commit(
    path: &Path,
    base: &KeyRingState,
    next: &KeyRingState,
    mut before: impl FnMut(Step) -> io::Result<()>,
) -> Result<(), StoreError> {
    let place = find(path)?;
    let not_written = |error| not_written(path, error);
    let _lock = locked(&place, path, &mut before)?;
    let found = read(&place, path)?;
    let noted = noted(&place)?;
    not_put_back(&found, noted, &place, path)?;
    // Not the serial alone: who edits the file by hand may have left that as it was.
    if found.ledger != *base {
        return Err(StoreError::conflict());
    }
    let text = format::write(next).map_err(|error| {
        StoreError::new(format!("the keys cannot be written to {path:?}")).caused_by(error)
    })?;
    if format::read(&text, path)? != *next {
        return Err(StoreError::new(format!(
            "{path:?} would not say what it should"
        )));
    }
    if text.len() > MAX_BYTES {
        return Err(StoreError::new(format!(
            "{path:?} would have more than {MAX_BYTES} bytes; purge keys, or use a database"
        )));
    }
    replace(
        &place,
        text.as_bytes(),
        Readers::of(found.file.as_ref()),
        &mut before,
    )
    .map_err(not_written)?;
    note(&place, next.serial(), path, &mut before);
    Ok(())
}

/// Sees to it that what a commit has left there when it failed is there after a crash, and is noted.
fn settle(path: &Path, mut before: impl FnMut(Step) -> io::Result<()>) -> Result<(), StoreError> {
    let place = find(path)?;
    let _lock = locked(&place, path, &mut before)?;
    let found = read(&place, path)?;
    sync_folder(&place, &mut before).map_err(|error| not_written(path, error))?;
    let noted = noted(&place)?;
    if noted < Some(found.ledger.serial()) {
        note(&place, found.ledger.serial(), path, &mut before);
    }
    Ok(())
}

/// The lock, when it is this writer's turn.
fn locked(
    place: &Place,
    path: &Path,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> Result<Lock, StoreError> {
    let like = std::fs::metadata(&place.file).ok();
    let lock = before(Step::Lock).and_then(|()| Lock::take(&place.lock(), like.as_ref()));
    let lock = lock.map_err(|error| not_written(path, error))?;
    lock.ok_or_else(|| {
        StoreError::new(format!(
            "{:?} has been locked by another process for 10 s; does it hang?",
            place.lock()
        ))
    })
}

/// Notes what is written. The note is for a mistake of people: without it, the next one says as much.
fn note(place: &Place, serial: u64, path: &Path, before: &mut impl FnMut(Step) -> io::Result<()>) {
    let noted = before(Step::Note).and_then(|()| {
        let like = std::fs::metadata(&place.file)?;
        note::write(&place.note(), serial, &like)
    });
    if let Err(error) = noted {
        tracing::warn!(
            ?path,
            error = &error as &dyn std::error::Error,
            "could not note the serial that was written"
        );
    }
}

pub(crate) fn find(path: &Path) -> Result<Place, StoreError> {
    Place::find(path).map_err(|error| {
        StoreError::new(format!(
            "{path:?} cannot be reached; is its folder there, and what it may be a link to?"
        ))
        .caused_by(error)
    })
}

fn not_written(path: &Path, error: io::Error) -> StoreError {
    StoreError::new(format!(
        "{path:?} could not be written; is its folder there, may this user write to it, and is the disk full?"
    ))
    .caused_by(error)
}

/// Returns the highest serial that was noted, under the present name or the one that earlier versions used.
///
/// The old note is left as it is: the present one soon passes it, and the higher of the two counts.
fn noted(place: &Place) -> Result<Option<u64>, StoreError> {
    let read = |note: PathBuf| {
        note::read(&note).map_err(|error| {
            StoreError::new(format!(
                "the last serial cannot be read from {note:?}; may this user read it?"
            ))
            .caused_by(error)
        })
    };
    Ok(read(place.note())?.max(read(place.old_note())?))
}

fn read(place: &Place, path: &Path) -> Result<Found, StoreError> {
    let unreadable =
        |error: io::Error| StoreError::new(format!("{path:?} could not be read")).caused_by(error);
    let file = match secret_file::open(&place.file) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Found {
                ledger: KeyRingState::empty(),
                file: None,
            });
        }
        Err(error) => return Err(unreadable(error)),
    };
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(StoreError::new(format!("{path:?} is not a regular file")));
    }
    if let Exposure::Writable { mode } = secret_file::exposure(&metadata) {
        return Err(StoreError::new(format!(
            "{path:?} may be written by others than its owner (mode {mode:04o}), who could put a key of their own \
             there; `chmod go-w` it"
        )));
    }
    let bytes = secret_file::read(&file, metadata.len(), MAX_BYTES).map_err(unreadable)?;
    let bytes = bytes.ok_or_else(|| {
        StoreError::new(format!(
            "{path:?} has more than {MAX_BYTES} bytes; is it a key file?"
        ))
    })?;
    let ledger = match std::str::from_utf8(&bytes) {
        Ok(text) => format::read(text, path)?,
        Err(error) => return Err(StoreError::new(format!("{path:?} is no text")).caused_by(error)),
    };
    Ok(Found {
        ledger,
        file: Some(file),
    })
}

/// Refuses a file that is older than what was written: keys that were revoked since would be valid again.
fn not_put_back(
    Found { ledger, file }: &Found,
    noted: Option<u64>,
    place: &Place,
    path: &Path,
) -> Result<(), StoreError> {
    let Some(noted) = noted.filter(|noted| ledger.serial() < *noted) else {
        return Ok(());
    };
    Err(StoreError::new(if file.is_some() {
        format!(
            "{path:?} has serial {}, but {noted} was written: an older copy would bring revoked keys back. If this \
             is intended, set its `serial` to {}",
            ledger.serial(),
            noted.saturating_add(1),
        )
    } else {
        let notes = [place.note(), place.old_note()].into_iter();
        let notes: Vec<_> = notes
            .filter(|note| note.exists())
            .map(|note| format!("{note:?}"))
            .collect();
        format!(
            "{path:?} is gone, but serial {noted} was written: put it back, or remove {} to begin without a key",
            notes.join(" and ")
        )
    }))
}

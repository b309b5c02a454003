//! Reads the key file, and commits to it while holding its lock.

use std::io;
use std::path::{Path, PathBuf};

use super::format;
use crate::fs::{
    Access, FileError, Lock, LockHolders, Paths, SecretFile, Step, has_no_locks, noted_serial,
    remedy, replace, sync_directory, write_note,
};
use crate::keyring::state::KeyRingState;
use crate::keyring::store::StoreError;

/// About a hundred thousand keys, and the limit of a [`FileSource`](crate::source::FileSource) of
/// key sets.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What was read from the file.
struct StoredState {
    state: KeyRingState,
    /// The open file, if there is one.
    file: Option<SecretFile>,
}

/// The file, and whether the last commit is durable.
#[derive(Debug)]
pub(crate) struct StoreFile {
    path: PathBuf,
    last: Last,
}

/// What is known of the last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// It survives a crash, or was never written.
    Settled,
    /// It was written, and may be lost after a crash.
    Unsettled,
}

impl StoreFile {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self {
            path,
            last: Last::Settled,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file, after making its content durable if the last commit could not.
    pub(crate) fn load(
        &mut self,
        mut before: impl FnMut(Step) -> io::Result<()>,
    ) -> Result<KeyRingState, StoreError> {
        if self.last == Last::Unsettled {
            settle(&self.path, &mut before)?;
            self.last = Last::Settled;
        }
        before(Step::Read).map_err(|error| not_read(&self.path, error))?;
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
                // Renamed and not synced: a crash may undo the commit until the next step.
                Step::SyncDirectory => *last = Last::Unsettled,
                Step::Note => *last = Last::Settled,
                _ => {}
            }
            before(step)
        })
    }
}

pub(crate) fn load(path: &Path) -> Result<KeyRingState, StoreError> {
    let paths = find(path)?;
    // The note first: a writer writes it after the file, so the file that follows is not older.
    let noted = noted(&paths)?;
    let found = read(&paths, path)?;
    not_put_back(&found, noted, &paths, path)?;
    Ok(found.state)
}

pub(crate) fn commit(
    path: &Path,
    base: &KeyRingState,
    next: &KeyRingState,
    mut before: impl FnMut(Step) -> io::Result<()>,
) -> Result<(), StoreError> {
    let paths = find(path)?;
    let not_written = |error| not_written(path, error);
    let _lock = locked(&paths, &mut before)?;
    before(Step::Read).map_err(|error| not_read(path, error))?;
    let found = read(&paths, path)?;
    let noted = noted(&paths)?;
    not_put_back(&found, noted, &paths, path)?;
    // The whole state, not only its number: somebody who edits the file may leave that unchanged.
    if found.state != *base {
        return Err(StoreError::conflict());
    }
    let text = format::write(next).map_err(|error| {
        StoreError::new(format!("{path:?} cannot hold these keys")).with_source(error)
    })?;
    if format::read(&text, path)? != *next {
        return Err(StoreError::new(format!(
            "{path:?} was not written: the keys cannot be stored without loss"
        )));
    }
    if text.len() > MAX_BYTES {
        return Err(StoreError::new(format!(
            "{path:?} would have more than {MAX_BYTES} bytes; purge keys, or use a database"
        )));
    }
    replace(
        &paths,
        text.as_bytes(),
        Access::kept_from(found.file.as_ref().map(SecretFile::file)),
        &mut before,
    )
    .map_err(not_written)?;
    note(&paths, next.serial(), path, &mut before);
    Ok(())
}

/// Makes durable what a failed commit has left, and writes the note.
fn settle(path: &Path, mut before: impl FnMut(Step) -> io::Result<()>) -> Result<(), StoreError> {
    let paths = find(path)?;
    let _lock = locked(&paths, &mut before)?;
    let found = read(&paths, path)?;
    sync_directory(&paths, &mut before).map_err(|error| not_written(path, error))?;
    let noted = noted(&paths)?;
    if noted < Some(found.state.serial()) {
        note(&paths, found.state.serial(), path, &mut before);
    }
    Ok(())
}

/// Waits for the lock.
fn locked(
    paths: &Paths,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> Result<Lock, StoreError> {
    let lock = before(Step::Lock).and_then(|()| {
        let file = paths.open_if_exists()?;
        let like = file.map(|file| file.metadata()).transpose()?;
        Lock::wait(paths, LockHolders::OwnerOf(like.as_ref()))
    });
    let place = || paths.lock().file;
    match lock {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(StoreError::new(format!(
            "{:?} has been locked by another process for 10 s; check whether that process hangs",
            place()
        ))),
        Err(error) if has_no_locks(&error) => Err(StoreError::new(format!(
            "{:?} cannot be locked: its file system has no locks; keep the file on a local disk",
            place()
        ))
        .with_source(error)),
        Err(error) => Err(StoreError::new(format!(
            "{:?} could not be locked; {}",
            place(),
            remedy(&error)
        ))
        .with_source(error)),
    }
}

/// Writes the note. A failure is only logged: the note protects against mistakes, and the next
/// commit writes it again.
fn note(paths: &Paths, serial: u64, path: &Path, before: &mut impl FnMut(Step) -> io::Result<()>) {
    let noted = before(Step::Note).and_then(|()| {
        let file = paths.open_if_exists()?.ok_or(io::ErrorKind::NotFound)?;
        write_note(paths, serial, &file.metadata()?)
    });
    if let Err(error) = noted {
        tracing::warn!(
            ?path,
            error = &error as &dyn std::error::Error,
            "cannot write the note beside the key file"
        );
    }
}

pub(crate) fn find(path: &Path) -> Result<Paths, StoreError> {
    Paths::resolve(path).map_err(|error| {
        StoreError::new(format!(
            "{path:?} cannot be resolved; check that its directory exists, that it is not a link to nothing, and \
             who owns the links on the way"
        ))
        .with_source(error)
    })
}

fn not_written(path: &Path, error: io::Error) -> StoreError {
    let message = format!("{path:?} could not be written; {}", remedy(&error));
    StoreError::new(message).with_source(error)
}

fn not_read(path: &Path, error: io::Error) -> StoreError {
    refused(path, FileError::Io(error))
}

/// Returns the highest serial that was noted.
fn noted(paths: &Paths) -> Result<Option<u64>, StoreError> {
    noted_serial(paths).map_err(|(note, error)| {
        StoreError::new(format!(
            "the last serial cannot be read from {:?}; check that this user may read it",
            note.file
        ))
        .with_source(error)
    })
}

pub(super) fn refused(path: &Path, error: FileError) -> StoreError {
    let message = format!("{path:?} {error}");
    match error {
        FileError::Io(error) => StoreError::new(message).with_source(error),
        _ => StoreError::new(message),
    }
}

fn read(paths: &Paths, path: &Path) -> Result<StoredState, StoreError> {
    let refused = |error| refused(path, error);
    let Some(file) = paths
        .open_if_exists()
        .map_err(|error| refused(error.into()))?
    else {
        return Ok(StoredState {
            state: KeyRingState::empty(),
            file: None,
        });
    };
    let file = SecretFile::check(file).map_err(refused)?;
    let bytes = file.read(MAX_BYTES).map_err(refused)?;
    let state = match std::str::from_utf8(&bytes) {
        Ok(text) => format::read(text, path)?,
        Err(error) => {
            return Err(StoreError::new(format!("{path:?} is not UTF-8 text")).with_source(error));
        }
    };
    Ok(StoredState {
        state,
        file: Some(file),
    })
}

/// Refuses a file that is older than the note. It could make revoked keys valid again.
fn not_put_back(
    StoredState { state, file }: &StoredState,
    noted: Option<u64>,
    paths: &Paths,
    path: &Path,
) -> Result<(), StoreError> {
    let Some(noted) = noted.filter(|noted| state.serial() < *noted) else {
        return Ok(());
    };
    Err(StoreError::new(if file.is_some() {
        format!(
            "{path:?} has serial {}, but {noted} was written: an older copy would bring revoked keys back. If this \
             is intended, set its `serial` to {}",
            state.serial(),
            noted.saturating_add(1),
        )
    } else {
        let notes = [paths.note(), paths.old_note()].into_iter();
        let notes: Vec<_> = notes
            .filter(|note| matches!(note.open_if_exists(), Ok(Some(_))))
            .map(|note| format!("{:?}", note.file))
            .collect();
        format!(
            "{path:?} is gone, but serial {noted} was written: put it back, or remove {} to begin without a key",
            notes.join(" and ")
        )
    }))
}

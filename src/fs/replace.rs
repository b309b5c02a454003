//! Replaces a file atomically: after a crash or a power failure there is the old content or the
//! new.
//!
//! A write takes eight steps, of which the first two and the last are the caller's. Tests in
//! `keyring/file_store/tests` end the process before each of them
//! (`crash_at_any_step_leaves_old_or_new_content`), and let each of them fail
//! (`failed_step_leaves_old_or_new_content`).
//!
//! The order of the steps is what makes it atomic: the new content is on the disk before it takes
//! the old one's name, and the directory is on the disk before the caller hears that it is written.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};

use super::os;
use super::paths::Paths;

/// A step of a write. A process can fail or end before each of them, which tests make it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Lock,
    Read,
    Create,
    Write,
    Sync,
    Rename,
    SyncDirectory,
    Note,
}

/// Who may access the new file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access<'a> {
    OwnerOnly,
    /// Everybody who may access this file. The write fails if that cannot be granted.
    SameAs(&'a File),
    /// Those who may access this file, as far as this user may grant it, and nobody else.
    AtMost(&'a File),
    /// The owner of this file may write, and everybody may read.
    Public(&'a Metadata),
}

impl<'a> Access<'a> {
    /// Keeps the access of the file that is replaced, if there is one.
    pub(crate) fn kept_from(old: Option<&'a File>) -> Self {
        old.map_or(Self::OwnerOnly, Self::SameAs)
    }

    fn grant(self, file: &File) -> io::Result<()> {
        match self {
            Self::OwnerOnly => Ok(()),
            Self::SameAs(old) => os::copy_access(old, file),
            Self::AtMost(old) => os::copy_access_as_allowed(old, file),
            Self::Public(like) => {
                os::give_to_owner_of(file, like)?;
                os::set_mode(file, 0o644)
            }
        }
    }
}

/// How many bytes are written at a time.
const CHUNK: usize = 64 * 1024;

/// Replaces the content of a file. The caller must hold the lock: what is left of another write is
/// removed.
///
/// `before` is called before each step.
pub(crate) fn replace(
    paths: &Paths,
    content: &[u8],
    access: Access<'_>,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    write_and_rename(paths, content, access, Durability::Synced, before)?;
    sync_directory(paths, before)
}

/// Replaces the content of a small file that may be lost, in one step and without a sync. The
/// caller must hold the lock.
pub(crate) fn replace_unsynced(
    paths: &Paths,
    content: &[u8],
    access: Access<'_>,
) -> io::Result<()> {
    write_and_rename(paths, content, access, Durability::None, &mut |_| Ok(()))
}

/// Whether a file must be on the disk before it takes its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    Synced,
    None,
}

fn write_and_rename(
    paths: &Paths,
    content: &[u8],
    access: Access<'_>,
    durability: Durability,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    let next = paths.next();
    before(Step::Create)?;
    next.remove_if_exists()?;
    let file = next.create_new()?;
    let written = fill(file, content, access, durability, before).and_then(|()| {
        before(Step::Rename)?;
        paths.directory().rename(next.name(), paths.name())
    });
    if written.is_err() {
        // The first error is the one that says what is wrong.
        let _ = next.remove_if_exists();
    }
    written
}

/// Makes the last rename durable, where the file system can: some sync no directories.
pub(crate) fn sync_directory(
    paths: &Paths,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    let synced = before(Step::SyncDirectory).and_then(|()| paths.directory().sync());
    synced.or_else(|error| {
        if os::is_unsupported_sync(&error) {
            Ok(())
        } else {
            Err(error)
        }
    })
}

fn fill(
    mut file: File,
    content: &[u8],
    access: Access<'_>,
    durability: Durability,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    // While the file is empty: nobody reads a secret in between who may not read it afterwards.
    access.grant(&file)?;
    for chunk in content.chunks(CHUNK) {
        before(Step::Write)?;
        file.write_all(chunk)?;
    }
    if durability == Durability::None {
        return Ok(());
    }
    before(Step::Sync)?;
    file.sync_all()
}

/// Returns what to do about a write that failed.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ResourceBusy => {
            "it is a mount of its own, which cannot be replaced: mount its directory instead"
        }
        ErrorKind::ReadOnlyFilesystem => "its file system is mounted read-only: mount it writable",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full: free some space",
        ErrorKind::PermissionDenied => {
            "check who owns it, and that this user may write to its directory"
        }
        _ => "check that this user may write to its directory, and that the disk is not full",
    }
}

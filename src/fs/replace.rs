//! Replaces a file atomically: after a crash or a power failure there is the old content or the
//! new.
//!
//! A write takes seven steps, of which the first and the last are the caller's. Tests in
//! `keyring/file_store/tests` end the process before each of them
//! (`crash_at_any_step_leaves_old_or_new_content`), and let each of them fail
//! (`failed_step_leaves_old_or_new_content`).
//!
//! The order of the steps is what makes it atomic: the new content is on the disk before it takes
//! the old one's name, and the directory is on the disk before the caller hears that it is written.

use std::fs::{self, File};
use std::io::{self, Write};

use super::open::{create_new, remove_if_exists};
use super::os;
use super::paths::Paths;

/// A step of a write. A process can fail or end before each of them, which tests make it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Lock,
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
    let next = paths.next();
    before(Step::Create)?;
    remove_if_exists(&next)?;
    let file = create_new(&next)?;
    let written = fill(file, content, access, before).and_then(|()| {
        before(Step::Rename)?;
        fs::rename(&next, &paths.file)
    });
    if let Err(error) = written {
        // The first error is the one that says what is wrong.
        let _ = fs::remove_file(&next);
        return Err(error);
    }
    sync_directory(paths, before)
}

/// Makes the last rename durable.
pub(crate) fn sync_directory(
    paths: &Paths,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    before(Step::SyncDirectory)?;
    os::sync_directory(&paths.directory)
}

fn fill(
    mut file: File,
    content: &[u8],
    access: Access<'_>,
    before: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    // While the file is empty: nobody reads a secret in between who may not read it afterwards.
    access.grant(&file)?;
    for chunk in content.chunks(CHUNK) {
        before(Step::Write)?;
        file.write_all(chunk)?;
    }
    before(Step::Sync)?;
    file.sync_all()
}

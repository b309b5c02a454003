//! Who could replace a file besides its reader.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::os;
use super::secret_file::FileError;

/// Why somebody else could replace a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix has owners and permission bits")
)]
pub(crate) enum Distrust {
    /// Another user owns the file.
    Owner { uid: u32 },
    /// Others may write in the directory that holds the file, or a link to it.
    Directory { path: PathBuf, uid: u32, mode: u32 },
}

/// What to do with a file that somebody else could replace.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Custody {
    /// The owner that the file must have, if one was named.
    pub(crate) owner: Option<u32>,
    pub(crate) strictness: Strictness,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Strictness {
    #[default]
    Warn,
    Refuse,
}

impl Custody {
    /// Checks an open file that was found at `path`. Returns what to warn about.
    ///
    /// # Errors
    ///
    /// Fails if the owner is not the one that was named, and for each other reason if it is strict.
    pub(crate) fn check(self, path: &Path, file: &File) -> Result<Option<Distrust>, FileError> {
        let Some(found) = os::distrust(path, &file.metadata()?, self.owner) else {
            return Ok(None);
        };
        let is_named = self.owner.is_some() && matches!(found, Distrust::Owner { .. });
        if is_named || self.strictness == Strictness::Refuse {
            return Err(FileError::Distrusted(found));
        }
        Ok(Some(found))
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner { uid } => write!(
                f,
                "belongs to user {uid}, who could replace the keys; give it to root or to the user who reads it"
            ),
            Self::Directory { path, uid, mode } => write!(
                f,
                "is in a directory that others may write to ({path:?}, owner {uid}, mode {mode:04o}), who could \
                 replace the file; run `chmod go-w` on the directory, or give it to root"
            ),
        }
    }
}

//! Who could replace a file besides its reader.

use std::fs::File;
use std::path::Path;

use super::exposure::Distrust;
use super::os;
use super::secret_file::FileError;

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

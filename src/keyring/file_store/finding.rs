//! What an operator should change about a key file and its directory.

use std::fmt;
use std::path::Path;

use super::commit::{find, refused};
use crate::fs::{Distrust, Exposure, FileError, SecretFile, distrust};
use crate::keyring::store::StoreError;

/// Something about a key file or its directory that an operator should change.
/// [`kind`](Self::kind) says what, and the text what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFinding {
    kind: FileFindingKind,
    message: String,
}

/// What an operator should change about a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFindingKind {
    /// Everybody may read the file.
    ReadableByAll,
    /// The file belongs to another user than root and the user of this process.
    OtherOwner,
    /// Another user may write in the directory, and could replace the file.
    OpenDirectory,
    /// This user may not write in the directory, so no key can be changed.
    ReadOnlyDirectory,
}

impl FileFinding {
    /// Returns what it is.
    #[must_use]
    pub const fn kind(&self) -> FileFindingKind {
        self.kind
    }
}

impl fmt::Display for FileFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Examines the file at this path, if there is one, and its directory.
pub(super) fn examine(path: &Path) -> Result<Vec<FileFinding>, StoreError> {
    let paths = find(path)?;
    let mut findings = Vec::new();
    let mut found = |kind, message| findings.push(FileFinding { kind, message });
    if !paths.directory().is_writable() {
        found(
            FileFindingKind::ReadOnlyDirectory,
            "this user may not write in the directory, so no key can be changed; change its owner or mode, or mount \
             it writable"
                .to_owned(),
        );
    }
    let refused = |error| refused(path, error);
    let file = paths.open_if_exists();
    let Some(file) = file.map_err(|error| refused(error.into()))? else {
        return Ok(findings);
    };
    let file = SecretFile::check(file).map_err(refused)?;
    let mut found = |kind, message| findings.push(FileFinding { kind, message });
    if let Exposure::Readable { mode } = file.exposure() {
        found(
            FileFindingKind::ReadableByAll,
            format!("everybody may read the file (mode {mode:04o}); run chmod o-r on it"),
        );
    }
    let metadata = file.file().metadata();
    let metadata = metadata.map_err(|error| refused(FileError::Io(error)))?;
    if let Some(why) = distrust(path, &metadata, None) {
        let kind = match why {
            Distrust::Owner { .. } => FileFindingKind::OtherOwner,
            Distrust::Directory { .. } => FileFindingKind::OpenDirectory,
        };
        found(kind, format!("the file {why}"));
    }
    Ok(findings)
}

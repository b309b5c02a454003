//! What can be wrong with the file, and the error that says so.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::content::FieldError;
use crate::fs::{Distrust, FileError};
use crate::source::error::SourceError;
use crate::source::key_check::NotAKey;

/// What is wrong with the file.
#[derive(Debug)]
pub(crate) enum Fault {
    Missing(io::Error),
    /// The path is a link to nothing.
    Dangling(io::Error),
    Denied(io::Error),
    NotRegular,
    TooLarge {
        max: usize,
    },
    Empty,
    /// The group or everybody may write it.
    Writable {
        mode: u32,
    },
    /// Somebody else could replace it.
    Distrusted(Distrust),
    /// Everybody may read it.
    Readable {
        mode: u32,
    },
    /// The content kept changing.
    Torn,
    /// The field with the key could not be read.
    Field(FieldError),
    /// The content is something else than a key.
    NotAKey(NotAKey),
    Io(io::Error),
}

impl Fault {
    /// Returns whether a file that is being replaced may look like this for a moment.
    pub(crate) fn may_be_a_swap(&self) -> bool {
        match self {
            Self::Missing(_) | Self::Dangling(_) => true,
            Self::Io(error) => error.kind() == ErrorKind::StaleNetworkFileHandle,
            _ => false,
        }
    }

    /// Creates the error. It contains the path of the file, and never its content.
    pub(crate) fn at(self, path: &Path) -> SourceError {
        match self {
            Self::Missing(error) => SourceError::transient(format!(
                "{path:?} does not exist; check the path, and whether the program that writes or mounts it is running"
            ))
            .with_source(error),
            Self::Dangling(error) => SourceError::transient(format!(
                "{path:?} is a link to nothing; check that its target is mounted"
            ))
            .with_source(error),
            Self::Denied(error) => SourceError::permanent(format!(
                "{path:?} is not readable for this process; grant its user read access"
            ))
            .with_source(error),
            Self::NotRegular => SourceError::invalid(format!(
                "{path:?} is not a regular file; name the file that holds the key"
            )),
            Self::TooLarge { max } => SourceError::invalid(format!(
                "{path:?} has more than {max} bytes; name a key file, or raise `max_bytes`"
            )),
            Self::Empty => SourceError::invalid(format!(
                "{path:?} is empty; write the key to a temporary file and rename it to this name"
            )),
            Self::Writable { mode } => SourceError::permanent(format!(
                "{path:?} is writable by others (mode {mode:04o}), who could replace the key; run `chmod go-w` on it"
            )),
            Self::Distrusted(why) => SourceError::permanent(format!("{path:?} {why}")),
            Self::Readable { mode } => SourceError::permanent(format!(
                "{path:?} is readable by everybody (mode {mode:04o}); run `chmod o-r` on it, or do not set `strict`"
            )),
            Self::Torn => SourceError::transient(format!(
                "{path:?} kept changing while it was read; write the key to a temporary file and rename it to \
                 this name"
            )),
            Self::Field(error) => SourceError::invalid(format!("{path:?} {error}")),
            Self::NotAKey(found) => SourceError::invalid(format!("{path:?} holds {found}")),
            Self::Io(error) => {
                SourceError::transient(format!("{path:?} could not be read")).with_source(error)
            }
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Missing(error),
            ErrorKind::PermissionDenied => Self::Denied(error),
            ErrorKind::IsADirectory => Self::NotRegular,
            _ => Self::Io(error),
        }
    }
}

impl From<FileError> for Fault {
    fn from(error: FileError) -> Self {
        match error {
            FileError::NotRegular => Self::NotRegular,
            FileError::Writable { mode } => Self::Writable { mode },
            FileError::Distrusted(why) => Self::Distrusted(why),
            FileError::TooLarge { max } => Self::TooLarge { max },
            FileError::Io(error) => error.into(),
        }
    }
}

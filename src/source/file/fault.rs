//! What can be wrong with the file, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::fs::FileError;
use crate::source::error::SourceError;

/// What is wrong with the file.
#[derive(Debug)]
pub(crate) enum Fault {
    Missing(io::Error),
    /// There is a link, but nothing where it points.
    Dangling(io::Error),
    Denied(io::Error),
    NotRegular,
    TooLarge {
        max: usize,
    },
    Empty,
    /// Others than the owner may change it.
    Writable {
        mode: u32,
    },
    /// Everybody may read it.
    Readable {
        mode: u32,
    },
    /// No two looks found the same.
    Torn,
    Io(io::Error),
}

impl Fault {
    /// Whether a file that is just being replaced may look like this.
    pub(crate) fn may_be_a_swap(&self) -> bool {
        match self {
            Self::Missing(_) | Self::Dangling(_) => true,
            Self::Io(error) => error.kind() == ErrorKind::StaleNetworkFileHandle,
            _ => false,
        }
    }

    /// The error that names the file, and never what is in it.
    pub(crate) fn at(self, path: &Path) -> SourceError {
        match self {
            Self::Missing(error) => SourceError::transient(format!(
                "{path:?} does not exist; is the path right, and what writes or mounts it running?"
            ))
            .with_source(error),
            Self::Dangling(error) => SourceError::transient(format!(
                "{path:?} is a link to nothing; is what it points to mounted?"
            ))
            .with_source(error),
            Self::Denied(error) => SourceError::permanent(format!(
                "{path:?} may not be read; give the user that this process runs as the right to"
            ))
            .with_source(error),
            Self::NotRegular => SourceError::invalid(format!(
                "{path:?} is not a regular file; name the file that holds the key"
            )),
            Self::TooLarge { max } => SourceError::invalid(format!(
                "{path:?} has more than {max} bytes; is it a key file? If so, raise `max_bytes`"
            )),
            Self::Empty => SourceError::invalid(format!(
                "{path:?} is empty; write the key to a temporary file and rename it to this name"
            )),
            Self::Writable { mode } => SourceError::permanent(format!(
                "{path:?} may be written by others than its owner (mode {mode:04o}), who could replace the key; \
                 `chmod go-w` it"
            )),
            Self::Readable { mode } => SourceError::permanent(format!(
                "{path:?} may be read by everybody (mode {mode:04o}); `chmod o-r` it, or do without `strict`"
            )),
            Self::Torn => SourceError::transient(format!(
                "{path:?} kept changing while it was read; write the key to a temporary file and rename it to \
                 this name"
            )),
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
            FileError::TooLarge { max } => Self::TooLarge { max },
            FileError::Io(error) => error.into(),
        }
    }
}

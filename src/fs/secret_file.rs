//! A file that holds secrets, opened and checked.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;

use super::custody::Distrust;
use super::exposure::Exposure;
use super::os;
use super::read::{SecretBytes, read_bounded};

/// A regular file that only its owner may write.
#[derive(Debug)]
pub(crate) struct SecretFile {
    file: File,
    length: u64,
    exposure: Exposure,
}

/// Why a file is refused that could be opened.
#[derive(Debug)]
pub(crate) enum FileError {
    NotRegular,
    /// The group or everybody may write it.
    Writable {
        mode: u32,
    },
    /// Somebody else could replace it.
    Distrusted(Distrust),
    TooLarge {
        max: usize,
    },
    Io(io::Error),
}

impl SecretFile {
    /// Checks an open file: what is found at its path by now does not matter.
    pub(crate) fn check(file: File) -> Result<Self, FileError> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(FileError::NotRegular);
        }
        let exposure = os::exposure(&metadata);
        if let Exposure::Writable { mode } = exposure {
            return Err(FileError::Writable { mode });
        }
        Ok(Self {
            length: metadata.len(),
            file,
            exposure,
        })
    }

    pub(crate) const fn exposure(&self) -> Exposure {
        self.exposure
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Reads the whole file, unless it has more than `max` bytes.
    pub(crate) fn read(&self, max: usize) -> Result<SecretBytes, FileError> {
        if self.length > u64::try_from(max).unwrap_or(u64::MAX) {
            return Err(FileError::TooLarge { max });
        }
        // The file may have grown since: the length that was found is only a hint.
        let bytes = read_bounded(&self.file, self.length, max)?;
        bytes.ok_or(FileError::TooLarge { max })
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular => f.write_str("is not a regular file"),
            Self::Writable { mode } => write!(
                f,
                "is writable by others (mode {mode:04o}), who could replace the keys; run `chmod go-w` on it"
            ),
            Self::Distrusted(why) => why.fmt(f),
            Self::TooLarge { max } => write!(f, "has more than {max} bytes; is it a key file?"),
            Self::Io(_) => f.write_str("could not be read"),
        }
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::NotRegular
            | Self::Writable { .. }
            | Self::Distrusted(_)
            | Self::TooLarge { .. } => None,
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => error,
            refused => Self::other(refused),
        }
    }
}

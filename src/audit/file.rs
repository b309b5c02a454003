//! A file of JSON lines, which rolls over.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::event::AuditEvent;
use super::log::NAME;
use super::roll::{Limits, RollingFile};
use crate::telemetry::meter;

/// A file of audit events, one line of JSON each.
///
/// When a line would make the file larger than [`max_bytes`](AuditFileBuilder::max_bytes), the file
/// is renamed to `FILE.1`, what had that name to `FILE.2`, and so on, up to
/// [`max_files`](AuditFileBuilder::max_files). Only the user of the process may read the files.
///
/// If somebody moves the file, the next roll-over makes a new one. A line that was not written
/// whole, as on a full disk, ends where the next one starts.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::audit::{AuditLog, AuditFile};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("audit.jsonl");
/// let file = AuditFile::builder().max_bytes(10 << 20).max_files(3).open(path)?;
/// let audit = AuditLog::new(file.subscriber());
/// # drop(audit);
/// # Ok(())
/// # }
/// ```
pub struct AuditFile {
    file: RollingFile,
    /// Lines that could not be written since the last one that was.
    lost: u64,
}

/// The settings of an [`AuditFile`], returned by [`AuditFile::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditFileBuilder {
    limits: Limits,
}

impl AuditFile {
    /// Returns a builder. Every setting has a default.
    pub const fn builder() -> AuditFileBuilder {
        AuditFileBuilder {
            limits: Limits {
                max_bytes: 100 << 20,
                max_files: 10,
            },
        }
    }

    /// Opens a file with the default settings. Appends to what is there.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`AuditFileBuilder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AuditFileError> {
        Self::builder().open(path)
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// Returns the error of the file system. The event is lost then. The next one is written, if the
    /// cause has gone.
    pub fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        self.file.write(&format!("{}\n", event.to_json()))
    }

    /// Returns a subscriber for [`AuditLog::new`](crate::audit::AuditLog::new) that writes each
    /// event.
    ///
    /// If a line cannot be written, it logs the first error, and how many lines were lost once it
    /// can write again. The metric `rotating_auth_audit_events_dropped_total` counts each of them.
    pub fn subscriber(mut self) -> impl FnMut(&AuditEvent) + Send + 'static {
        move |event| match self.write(event) {
            Ok(()) if self.lost > 0 => {
                let path = self.file.path().display();
                tracing::warn!(lost = self.lost, file = %path, "lost lines of the audit file");
                self.lost = 0;
            }
            Ok(()) => {}
            Err(error) => {
                if self.lost == 0 {
                    let path = self.file.path().display();
                    tracing::error!(%error, file = %path, "cannot write to the audit file");
                }
                self.lost += 1;
                meter::add(meter::AUDIT_DROPPED, &NAME.into(), None, 1);
            }
        }
    }
}

impl AuditFileBuilder {
    /// Sets the size that the file does not exceed, in bytes. Defaults to 100 MiB.
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.limits.max_bytes = bytes;
        self
    }

    /// Sets how many files are kept, the current one among them. Defaults to 10.
    pub const fn max_files(mut self, files: u64) -> Self {
        self.limits.max_files = files;
        self
    }

    /// Opens the file. Appends to what is there.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NoName`](AuditFileErrorKind::NoName) if the path names no file,
    /// [`NoRoom`](AuditFileErrorKind::NoRoom) if no file or no line may be kept, and
    /// [`Io`](AuditFileErrorKind::Io) if the file cannot be opened for writing.
    pub fn open(self, path: impl AsRef<Path>) -> Result<AuditFile, AuditFileError> {
        let path = path.as_ref();
        if path.file_name().is_none() {
            return Err(AuditFileError::new(path, AuditFileErrorKind::NoName, None));
        }
        if self.limits.max_bytes == 0 || self.limits.max_files == 0 {
            return Err(AuditFileError::new(path, AuditFileErrorKind::NoRoom, None));
        }
        let file = RollingFile::open(path, self.limits).map_err(|error| {
            AuditFileError::new(path, AuditFileErrorKind::Io, Some(Box::new(error)))
        })?;
        Ok(AuditFile { file, lost: 0 })
    }
}

impl fmt::Debug for AuditFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditFile")
            .field("path", &self.file.path())
            .finish_non_exhaustive()
    }
}

/// An error that says why an audit file could not be opened.
#[derive(Debug)]
pub struct AuditFileError {
    path: PathBuf,
    kind: AuditFileErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kinds of [`AuditFileError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditFileErrorKind {
    /// The path names no file.
    NoName,
    /// No file or no line may be kept.
    NoRoom,
    /// The file cannot be opened for writing.
    Io,
}

impl AuditFileError {
    fn new(
        path: &Path,
        kind: AuditFileErrorKind,
        source: Option<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let path = path.to_owned();
        Self { path, kind, source }
    }

    /// Returns the kind of this error.
    #[must_use]
    pub const fn kind(&self) -> AuditFileErrorKind {
        self.kind
    }
}

impl fmt::Display for AuditFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.kind {
            AuditFileErrorKind::NoName => write!(f, "{path:?} names no file; pass a file's path"),
            AuditFileErrorKind::NoRoom => f.write_str(
                "the audit file may keep nothing; allow at least one file, and one byte in it",
            ),
            AuditFileErrorKind::Io => write!(
                f,
                "cannot write to the audit file \"{path}\"; make its folder writable"
            ),
        }
    }
}

impl Error for AuditFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

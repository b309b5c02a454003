//! Options of the audit file.

use std::path::{Path, PathBuf};

use tower_rotating_auth::audit::{AuditFile, AuditLog};

use crate::error::{Error, chain};
use crate::gateway::units::audit_bytes;

/// Options and environment variables of the audit file.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditArgs {
    /// File of JSON lines: who used which key, who was refused, and when each key changed.
    ///
    /// A full file is renamed to FILE.1, that to FILE.2, and so on. No request waits for it.
    #[arg(
        long,
        value_name = "FILE",
        env = "GATEWAY_AUDIT_FILE",
        hide_env_values = true
    )]
    audit_file: Option<PathBuf>,

    /// Size of a full audit file, from 1MiB to 1TiB.
    #[arg(
        long,
        value_name = "BYTES",
        env = "GATEWAY_AUDIT_FILE_SIZE",
        default_value = "100MiB",
        value_parser = audit_bytes
    )]
    audit_file_size: u64,

    /// How many audit files to keep, the current one among them.
    #[arg(
        long,
        value_name = "NUMBER",
        env = "GATEWAY_AUDIT_FILES",
        default_value = "10",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    audit_files: u64,
}

/// An audit file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditSettings {
    file: PathBuf,
    max_bytes: u64,
    max_files: u64,
}

impl AuditArgs {
    pub(crate) fn settings(self) -> Option<AuditSettings> {
        let file = self
            .audit_file
            .filter(|file| !file.as_os_str().is_empty())?;
        Some(AuditSettings {
            file,
            max_bytes: self.audit_file_size,
            max_files: self.audit_files,
        })
    }
}

impl AuditSettings {
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Opens the file. Fails if it cannot be written to.
    pub(crate) fn open(&self) -> Result<AuditLog, Error> {
        let builder = AuditFile::builder()
            .max_bytes(self.max_bytes)
            .max_files(self.max_files);
        let file = builder.open(&self.file);
        let file =
            file.map_err(|error| Error::start(format!("--audit-file: {}", chain(&error))))?;
        Ok(AuditLog::new(file.subscriber()))
    }
}

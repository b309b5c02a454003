//! Secrets whose place the environment of the process names.

#[cfg(feature = "file")]
mod credential;
mod env_or_file;

pub use self::env_or_file::EnvOrFile;

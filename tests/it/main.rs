//! The integration tests: one binary, a `mod` line per file.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

#[cfg(feature = "file")]
mod file_source;

//! The tests of the built program: one binary, a `mod` line per file.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[cfg(unix)]
#[path = "../../../../tests/it/support/child.rs"]
mod child;
mod gateway;
mod key;
mod program;

/// The built program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_rotating-auth");

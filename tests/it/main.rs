//! The integration tests: one binary, a `mod` line per file.

mod engine;
mod support;

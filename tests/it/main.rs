//! The integration tests: one binary, a `mod` line per file.
#![expect(missing_docs, reason = "tests name themselves")]

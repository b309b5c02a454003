//! The integration tests: one binary, a `mod` line per file.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod inbound_policy;
mod outbound;

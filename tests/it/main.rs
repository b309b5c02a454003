//! The integration tests: one binary, a `mod` line per file.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[cfg(all(feature = "audit", feature = "metrics"))]
mod audit;
mod engine;
mod examples;
#[cfg(feature = "file")]
mod file_source;
mod inbound;
#[cfg(feature = "axum")]
mod inbound_policy;
mod keyring;
mod outbound;
mod rotator;
#[cfg(all(feature = "serde", feature = "file"))]
mod source_config;
mod sources;
mod support;
mod token;
#[cfg(all(unix, not(portable_only)))]
mod trust;

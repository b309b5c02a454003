//! Rotation on a schedule, with a client that reads its key where it is delivered.

mod client;
mod crash;
#[cfg(feature = "file")]
mod file;
mod schedule;
mod world;

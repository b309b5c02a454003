//! Limits of what clients use of a server.

use std::time::Duration;

use super::activity::Patience;

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerLimits {
    pub(crate) patience: Patience,
    pub(crate) discard: Discard,
    /// Bytes of a request head.
    pub(crate) head_bytes: u32,
    /// Fields of a request head.
    pub(crate) fields: usize,
    /// Streams of an HTTP/2 connection.
    pub(crate) streams: u32,
    pub(crate) connections: usize,
    pub(crate) connections_per_peer: usize,
}

/// How much of an upload to read and drop after its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Discard {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

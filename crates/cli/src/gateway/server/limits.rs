//! Limits of what clients use of a server.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

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

impl Discard {
    /// Reads and drops the rest of an upload.
    pub(super) async fn read_on(self, mut upload: Incoming) {
        let rest = async {
            let mut left = self.bytes;
            while let Some(Ok(frame)) = upload.frame().await {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                match left.checked_sub(length) {
                    Some(less) => left = less,
                    None => return,
                }
            }
        };
        // The client has its answer, so nobody needs to know why this ends.
        let _ = timeout(self.time, rest).await;
    }
}

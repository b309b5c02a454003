//! The program under test, its clients and its upstreams.

mod client;
mod folder;
mod http2;
mod program;
mod protocol;
mod upstream;

use std::time::Duration;

use tokio::time::timeout;

pub(crate) use self::client::{chunk, raw, raw_stream};
pub(crate) use self::folder::Folder;
pub(crate) use self::http2::Http2;
pub(crate) use self::program::{Gateway, KEY, default_mode, demo_ended, ended, program};
pub(crate) use self::protocol::Protocol;
pub(crate) use self::upstream::{Recorder, Seen, closed_port, serve};

/// Waits for something that must happen, even on the busiest machine.
pub(crate) async fn soon<F: Future>(what: F) -> F::Output {
    timeout(Duration::from_secs(60), what)
        .await
        .expect("it should have happened by now")
}

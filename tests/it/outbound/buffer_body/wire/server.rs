//! What both servers share: a script for requests with the old key, and a log of what arrived.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{h1, h2};

pub(super) const OLD: &str = "Bearer old";
pub(super) const NEW: &str = "Bearer new";
pub(super) const WORDS: &str = "the upstream's own words";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The script for requests with the old key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    pub(super) reads: Reads,
    pub(super) after: After,
}

/// The part of the body that is read before the rejection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reads {
    Bytes(usize),
    All,
}

/// The end of the connection or stream after the rejection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum After {
    Closes,
    /// The server reads the rest of the body.
    Lingers,
    Resets,
}

#[derive(Debug)]
pub(super) enum Heard {
    /// The client opened a connection.
    Opened,
    /// A connection was closed.
    Closed,
    /// A request with the new key arrived.
    Began,
    Arrived(Box<Arrived>),
}

/// A request as it arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) end: End,
}

#[derive(Debug, PartialEq)]
pub(super) enum End {
    Whole,
    BrokenOff,
}

impl Arrived {
    pub(super) fn of(headers: HeaderMap) -> Self {
        Self {
            headers,
            body: Vec::new(),
            trailers: None,
            end: End::BrokenOff,
        }
    }

    pub(super) fn is_keyed_with(&self, key: &str) -> bool {
        self.headers[AUTHORIZATION] == key
    }

    /// The headers without the key.
    pub(super) fn framing(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove(AUTHORIZATION);
        headers
    }
}

impl Reads {
    /// Returns whether more is to be read after so many bytes.
    pub(super) fn more_than(self, length: usize) -> bool {
        match self {
            Self::Bytes(bytes) => length < bytes,
            Self::All => true,
        }
    }
}

/// A server on one port, with the events that it sent.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// The number of opened connections.
    pub(super) opened: usize,
    /// The number of closed connections.
    pub(super) closed: usize,
    /// The number of requests with the new key.
    pub(super) began: usize,
    pub(super) old: Vec<Arrived>,
    pub(super) new: Vec<Arrived>,
    /// Triggers the reset of a stream. A connection is reset at once.
    pub(super) reset: Arc<Notify>,
    heard: mpsc::UnboundedReceiver<Heard>,
    task: AbortHandle,
}

impl Server {
    pub(super) async fn start(protocol: Protocol, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = mpsc::unbounded_channel();
        let reset = Arc::new(Notify::new());
        let when = Arc::clone(&reset);
        let serving = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (tell, when) = (tell.clone(), Arc::clone(&when));
                tokio::spawn(async move {
                    let _ = tell.send(Heard::Opened);
                    match protocol {
                        Protocol::Http1 => h1::serve(stream, script, &tell).await,
                        Protocol::Http2 => h2::serve(stream, script, &tell, when).await,
                    }
                    let _ = tell.send(Heard::Closed);
                });
            }
        };
        Self {
            address,
            opened: 0,
            closed: 0,
            began: 0,
            old: Vec::new(),
            new: Vec::new(),
            reset,
            heard,
            task: tokio::spawn(serving).abort_handle(),
        }
    }

    /// Receives events until `enough` holds. Cancel safe.
    pub(super) async fn hear(&mut self, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            let heard = timeout(Duration::from_secs(60), self.heard.recv());
            match heard.await.expect("it should have come by now").unwrap() {
                Heard::Opened => self.opened += 1,
                Heard::Closed => self.closed += 1,
                Heard::Began => self.began += 1,
                Heard::Arrived(request) if request.is_keyed_with(NEW) => self.new.push(*request),
                Heard::Arrived(request) => self.old.push(*request),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns bytes that show if one is missing, doubled or moved.
pub(super) fn content(length: usize) -> Bytes {
    (0_u32..).flat_map(u32::to_be_bytes).take(length).collect()
}

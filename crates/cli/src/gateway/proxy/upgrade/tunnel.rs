//! The bytes of the other protocol, in both directions, until one side or the client's key ends.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::time::{Instant, sleep_until, timeout};
use tower_rotating_auth::inbound::Principal;

use crate::gateway::access::Record;
use crate::gateway::server::{Hold, Tunnels};

/// How long the other direction lives on once one has ended.
const LINGER: Duration = Duration::from_secs(5);

/// The client's side of an upgrade.
pub(crate) struct Client {
    upgrade: OnUpgrade,
    principal: Option<Principal>,
    connection: Option<Tunnels>,
    /// The line of the request is written when the tunnel ends.
    record: Option<Record>,
}

impl Client {
    /// Takes what ends the tunnel from a request.
    pub(crate) fn take<B>(request: &mut Request<B>, record: Option<Record>) -> Self {
        Self {
            upgrade: hyper::upgrade::on(&mut *request),
            principal: request.extensions().get().cloned(),
            connection: request.extensions().get().cloned(),
            record,
        }
    }
}

/// A connection to the client and one to the upstream.
pub(crate) struct Tunnel<K> {
    client: Client,
    upstream: OnUpgrade,
    silence: Duration,
    /// Dropped at the end of the tunnel, such as a place among the open requests.
    _kept: K,
}

impl<K: Send + 'static> Tunnel<K> {
    /// `silence` is how long both sides may be silent.
    pub(crate) fn new<B>(
        client: Client,
        answer: &mut Response<B>,
        silence: Duration,
        kept: K,
    ) -> Self {
        Self {
            client,
            upstream: hyper::upgrade::on(answer),
            silence,
            _kept: kept,
        }
    }

    /// Passes bytes on once the client has its answer. Drops both connections at the end.
    pub(crate) fn start(self) {
        // The client's connection counts as used until then.
        let hold = self.client.connection.as_ref().map(Tunnels::hold);
        tokio::spawn(self.run(hold));
    }

    async fn run(self, hold: Option<Hold>) {
        let Client {
            upgrade,
            principal,
            record: _record,
            ..
        } = self.client;
        let both = async { tokio::try_join!(upgrade, self.upstream) };
        let Ok(Ok((client, upstream))) = timeout(self.silence, both).await else {
            return; // one side is gone
        };
        let (client, upstream) = (TokioIo::new(client), TokioIo::new(upstream));
        let key_ended = async {
            match &principal {
                Some(principal) => drop(principal.ended().await),
                None => pending().await,
            }
        };
        let connection_ended = async {
            match hold {
                Some(hold) => hold.ended().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = copy(client, upstream, self.silence) => {}
            () = key_ended => {}
            () = connection_ended => {}
        }
    }
}

/// Copies in both directions until both have ended, or until nothing moves for too long.
async fn copy(
    client: impl AsyncRead + AsyncWrite + Unpin,
    upstream: impl AsyncRead + AsyncWrite + Unpin,
    silence: Duration,
) {
    let traffic = Traffic::new(Instant::now());
    let mut client = Watched {
        io: client,
        traffic: traffic.clone(),
    };
    let mut upstream = Watched {
        io: upstream,
        traffic: traffic.clone(),
    };
    let silent = async {
        loop {
            let due = traffic.lock().due(silence);
            if due <= Instant::now() {
                return;
            }
            // The end of one direction moves the deadline closer.
            sleep_until(due.min(Instant::now() + LINGER)).await;
        }
    };
    tokio::select! {
        _ended = copy_bidirectional(&mut client, &mut upstream) => {}
        () = silent => {}
    }
}

#[derive(Clone, Debug)]
struct Traffic(Arc<Mutex<Steps>>);

#[derive(Clone, Copy, Debug)]
struct Steps {
    /// When bytes last arrived.
    last: Instant,
    /// When one side ended its direction.
    ended: Option<Instant>,
}

impl Traffic {
    fn new(now: Instant) -> Self {
        let steps = Steps {
            last: now,
            ended: None,
        };
        Self(Arc::new(Mutex::new(steps)))
    }

    fn note(&self, read: usize, now: Instant) {
        let mut steps = self.lock();
        match read {
            0 => drop(steps.ended.get_or_insert(now)),
            _ => steps.last = now,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Steps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Steps {
    /// Returns when the tunnel is given up.
    fn due(self, silence: Duration) -> Instant {
        let silent = self.last + silence;
        self.ended
            .map_or(silent, |ended| silent.min(ended + LINGER))
    }
}

/// A stream that reports what it reads.
struct Watched<T> {
    io: T,
    traffic: Traffic,
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, into))?;
        let read = into.filled().len() - before;
        self.traffic.note(read, Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const SILENCE: Duration = Duration::from_secs(600);

    #[test]
    fn end_of_one_side_bounds_the_other() {
        let start = Instant::now();
        let traffic = Traffic::new(start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(traffic.lock().due(SILENCE), at(600));
        traffic.note(5, at(100));
        assert_eq!(traffic.lock().due(SILENCE), at(700));
        traffic.note(0, at(200));
        traffic.note(5, at(201));
        traffic.note(0, at(202));
        assert_eq!(traffic.lock().due(SILENCE), at(205));
    }

    #[tokio::test(start_paused = true)]
    async fn silent_tunnel_ends_after_its_limit() {
        let [(mut client, inner), (outer, mut upstream)] = [duplex(64), duplex(64)];
        let start = Instant::now();
        let copying = tokio::spawn(copy(inner, outer, SILENCE));
        client.write_all(b"hello").await.unwrap();
        let mut read = [0; 5];
        upstream.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"hello");
        copying.await.unwrap();
        assert_eq!(start.elapsed().as_secs(), SILENCE.as_secs());
        assert_eq!(client.read(&mut read).await.unwrap(), 0);
    }
}

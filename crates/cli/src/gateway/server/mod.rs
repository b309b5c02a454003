//! The HTTP server. It limits what a client may use, and finishes open requests before it stops.

pub(super) mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::error::Error;
use crate::output;

/// How long a client may take to send a request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit of a request head in bytes. A longer head, or more than 100 fields, is answered with 431.
const HEAD_BYTES: usize = 64 * 1024;
/// Limit of open connections. More wait in the kernel's queue.
const CONNECTIONS: usize = 1024;

pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    stop: Stop,
}

impl Listener {
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, Error> {
        let failed = |error: io::Error| {
            Error::start(format!(
                "cannot listen on {address}: {error}; pass another address with --listen (GATEWAY_LISTEN)"
            ))
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            stop: Stop::listen().map_err(failed)?,
        })
    }

    pub(crate) fn url(&self, is_tls: bool) -> String {
        let scheme = if is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until a signal to stop arrives, then lets open requests finish for up to `drain`.
    pub(crate) async fn serve(self, app: Router, tls: Option<TlsAcceptor>, drain: Duration) {
        let Self {
            listener, mut stop, ..
        } = self;
        let connections = GracefulShutdown::new();
        tokio::select! {
            () = accept(&listener, &app, tls.as_ref(), &connections) => {}
            () = stop.signal() => {}
        }
        drop(listener);

        output::say(format_args!(
            "stopping: finishing requests on {} open connections",
            connections.count()
        ));
        tokio::select! {
            drained = timeout(drain, connections.shutdown()) => match drained {
                Ok(()) => output::say(format_args!("stopped")),
                Err(_) => output::say(format_args!("stopped: cut requests that did not finish in time")),
            },
            () = stop.signal() => output::say(format_args!("stopped: second signal")),
        }
    }
}

async fn accept(
    listener: &TcpListener,
    app: &Router,
    tls: Option<&TlsAcceptor>,
    connections: &GracefulShutdown,
) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return; // unreachable: the semaphore is never closed
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                rest_after(&error).await;
                continue;
            }
        };
        // Without TCP_NODELAY, each event of a stream would wait for the next. A failure only
        // delays.
        drop(stream.set_nodelay(true));
        let connection = converse(stream, app.clone(), tls.cloned(), connections.watcher());
        tokio::spawn(async move {
            connection.await;
            drop(slot);
        });
    }
}

/// Serves one connection. Ignores how it ends, which is up to the client and its network.
async fn converse(stream: TcpStream, app: Router, tls: Option<TlsAcceptor>, watcher: Watcher) {
    let Some(tls) = tls else {
        drop(
            watcher
                .watch(serve_connection(TokioIo::new(stream), app))
                .await,
        );
        return;
    };
    if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        drop(
            watcher
                .watch(serve_connection(TokioIo::new(stream), app))
                .await,
        );
    }
}

fn serve_connection<I: Read + Write + Unpin>(
    stream: I,
    app: Router,
) -> http1::Connection<I, TowerToHyperService<Router>> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(stream, TowerToHyperService::new(app))
}

/// Pauses after an error that would repeat at once, such as a lack of file descriptors. Does not
/// pause if the client hung up.
async fn rest_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        output::complain(format_args!("cannot accept connections: {error}"));
        sleep(Duration::from_secs(1)).await;
    }
}

/// The signals that stop the server.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    /// Registers the handlers. From now on, the signals no longer end the process.
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn signal(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Stop {
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn signal(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

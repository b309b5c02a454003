//! One connection, from its TLS handshake to its end.

use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tower_rotating_auth::inbound::ClientCertificate;

use super::activity::Verdict;
use super::app::App;
use super::connections::Place;
use super::limits::ServerLimits;
use super::requests::{Origin, Requests};
use super::stalls::StreamExecutor;
use super::stream::ClientStream;
use super::tls::Acceptor;

/// How long a client may take to read a goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
/// How much of an upload an HTTP/2 stream and a connection may hold while nobody reads it.
const WINDOWS: (u32, u32) = (256 * 1024, 512 * 1024);
/// The most fields of a head that hyper parses by default.
const HYPERS_FIELDS: usize = 100;
/// How much of a response an HTTP/2 stream may hold while its client does not read.
const SEND_BUFFER: usize = 64 * 1024;

/// An event on a connection, apart from its requests.
enum Event {
    /// hyper is done with it.
    Served,
    /// Its place is taken, or the last protocol that it was upgraded to has ended.
    Ended,
    /// The client's certificate became invalid.
    Distrusted,
    Stopping,
    /// It is time to look for a client that makes no progress.
    Look,
}

/// The parts that all connections of a listener share.
#[derive(Clone)]
pub(super) struct Conversation {
    pub(super) app: App,
    pub(super) tls: Option<Acceptor>,
    pub(super) limits: ServerLimits,
    /// Becomes `true` when open requests are to finish.
    pub(super) stopping: watch::Receiver<bool>,
}

impl Conversation {
    /// Serves one connection. Ignores how it ends, which is up to the client and its network.
    pub(super) async fn hold(self, stream: TcpStream, address: SocketAddr, place: Place) {
        let origin = Origin::cleartext(address);
        let stream = ClientStream::new(stream, Arc::clone(&place.activity), self.limits.discard);
        let Some(tls) = &self.tls else {
            return self.serve(stream, origin, &place, pending()).await;
        };
        let handshake = timeout(self.limits.patience.head, tls.accept(stream));
        let stream = tokio::select! {
            done = handshake => done,
            () = place.evicted.notified() => return,
        };
        if let Ok(Ok((stream, shown))) = stream {
            place.activity.restart(Instant::now());
            let origin = Origin {
                certificate: certificate(stream.get_ref().1),
                ..origin
            };
            let distrusted = async {
                match shown {
                    Some(shown) => shown.invalid().await,
                    None => pending().await,
                }
            };
            self.serve(stream, origin, &place, distrusted).await;
        }
    }

    /// Serves until either side ends the connection, or `distrusted` completes: then open requests
    /// may finish, and there are no more.
    async fn serve<I>(
        mut self,
        stream: I,
        origin: Origin,
        place: &Place,
        distrusted: impl Future<Output = ()>,
    ) where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Place {
            activity, evicted, ..
        } = place;
        let patience = self.limits.patience;
        // Protocols that clients upgrade to outlive the connection of HTTP/1.1. Dropping the sender
        // ends them.
        let (tunnels, _) = watch::channel(());
        let requests = Requests {
            app: self.app.clone(),
            activity: Arc::clone(activity),
            origin,
            discard: self.limits.discard,
            tunnels: tunnels.clone(),
        };
        let builder = self.builder();
        let stream = TokioIo::new(stream);
        let mut connection = pin!(builder.serve_connection_with_upgrades(stream, requests));
        let mut distrusted = pin!(distrusted);
        let (mut is_stopping, mut is_upgraded) = (false, false);
        loop {
            let next = match activity.judge(Instant::now(), &patience) {
                Verdict::Wait(next) => next,
                Verdict::Stuck => return,
                Verdict::Idle if is_upgraded => return,
                Verdict::Idle => {
                    connection.as_mut().graceful_shutdown();
                    // A client that does not answer keeps no place that another one needs.
                    tokio::select! {
                        _ = timeout(GOODBYE, connection) => {}
                        () = evicted.notified() => {}
                    }
                    return;
                }
            };
            // Each request wakes this task, and these seldom. So they are polled only after one of
            // them woke it: 1,100 of 121,000 instructions a request.
            let mut events = FuturesUnordered::from_iter([async {
                tokio::select! {
                    () = tunnels.closed(), if is_upgraded => Event::Ended,
                    () = evicted.notified() => Event::Ended,
                    () = distrusted.as_mut(), if !is_stopping => Event::Distrusted,
                    _ = self.stopping.wait_for(|stopping| *stopping), if !is_stopping => {
                        Event::Stopping
                    }
                    () = sleep_until(next) => Event::Look,
                }
            }]);
            let event = tokio::select! {
                _ = connection.as_mut(), if !is_upgraded => Event::Served,
                event = events.select_next_some() => event,
            };
            drop(events);
            match event {
                Event::Look => {}
                Event::Ended => return,
                Event::Served if tunnels.receiver_count() == 0 => return,
                Event::Served => is_upgraded = true,
                Event::Distrusted if is_upgraded => return,
                Event::Distrusted | Event::Stopping => {
                    is_stopping = true;
                    if !is_upgraded {
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }

    /// Returns the settings for HTTP/1.1, and for HTTP/2 by ALPN or prior knowledge.
    fn builder(&self) -> Builder<StreamExecutor> {
        let limits = &self.limits;
        let head_bytes = usize::try_from(limits.head_bytes).unwrap_or(usize::MAX);
        let mut builder = Builder::new(StreamExecutor {
            patience: limits.patience.write,
        });
        builder
            .http1()
            .timer(TokioTimer::new())
            // The connection itself has the deadlines, since hyper knows no time for keep-alive.
            .header_read_timeout(None)
            .max_buf_size(head_bytes);
        // With a limit that is set, hyper allocates for each head. Its default is the same number.
        if limits.fields != HYPERS_FIELDS {
            builder.http1().max_headers(limits.fields);
        }
        builder
            .http2()
            .timer(TokioTimer::new())
            .enable_connect_protocol()
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.head_bytes)
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(limits.patience.write)
            .keep_alive_timeout(limits.patience.write);
        builder
    }
}

/// Returns the certificate that a client has shown, which TLS has verified.
fn certificate(tls: &ServerConnection) -> Option<ClientCertificate> {
    let shown = tls.peer_certificates()?.first()?;
    Some(ClientCertificate::from_der(shown))
}

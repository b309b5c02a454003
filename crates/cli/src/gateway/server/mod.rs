//! The HTTP server. It limits what a client may use, and finishes open requests before it stops.

mod activity;
mod app;
mod connection;
mod connections;
mod limits;
mod requests;
mod signals;
mod stalls;
mod stream;
pub(super) mod tls;

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

pub(crate) use self::activity::Patience;
pub(crate) use self::app::App;
use self::connection::Conversation;
use self::connections::Connections;
pub(crate) use self::connections::network;
pub(crate) use self::limits::{Discard, ServerLimits};
pub(crate) use self::requests::{Hold, Tunnels};
pub(crate) use self::signals::Signals;
use self::tls::Acceptor;
use crate::error::Error;
use crate::output;

/// How many connections may wait to be accepted.
const QUEUE: u32 = 4096;
/// Limit of connections to the admin listener.
const ADMIN_CONNECTIONS: usize = 64;

#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

/// The application and the limits of a server.
pub(crate) struct Service {
    pub(crate) app: App,
    pub(crate) tls: Option<Acceptor>,
    /// A listener with an application of its own.
    pub(crate) admin: Option<(Listener, App)>,
    pub(crate) limits: ServerLimits,
    pub(crate) delay: ShutdownDelay,
    /// How long open requests may take to finish.
    pub(crate) drain: Duration,
    /// When to stop without a signal, if at all.
    pub(crate) end_after: Option<Duration>,
}

/// The time between a signal to stop and the end of the listeners.
pub(crate) struct ShutdownDelay {
    pub(crate) time: Duration,
    /// Becomes `true` at the signal.
    pub(crate) stopping: watch::Sender<bool>,
}

impl ShutdownDelay {
    /// Waits for a signal, and then until the delay is over or another signal ends it.
    async fn after(&self, signals: &mut Signals) {
        signals.arrive().await;
        self.stopping.send_replace(true);
        if self.time.is_zero() {
            return;
        }
        let seconds = self.time.as_secs_f64();
        output::say(format_args!(
            "stopping in {seconds} s: /readyz is 503 from now on"
        ));
        tokio::select! {
            () = sleep(self.time) => {}
            () = signals.arrive() => {}
        }
    }
}

impl Listener {
    /// Listens on an address that `option` sets.
    pub(crate) fn bind(address: SocketAddr, option: &str) -> Result<Self, Error> {
        let failed = |error: io::Error| {
            Error::start(format!(
                "cannot listen on {address}: {error}; pass another address with {option}"
            ))
        };
        let listener = listen(address).map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
        })
    }

    pub(crate) fn url(&self, is_tls: bool) -> String {
        let scheme = if is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until a signal to stop arrives, then lets open requests finish.
    pub(crate) async fn serve(self, service: Service, mut signals: Signals) {
        let Service {
            app,
            tls,
            admin,
            limits,
            delay,
            drain,
            end_after,
        } = service;
        let (stop, stopping) = watch::channel(false);
        let conversation = Conversation {
            app,
            tls,
            limits,
            stopping,
        };
        let admin = admin.map(|(listener, app)| {
            let conversation = Conversation {
                app,
                tls: None,
                ..conversation.clone()
            };
            let connections = Connections::new(ADMIN_CONNECTIONS, ADMIN_CONNECTIONS);
            async move { listener.accept(conversation, connections).await }
        });
        let connections = Connections::new(limits.connections, limits.connections_per_peer);
        let end = async {
            match end_after {
                Some(time) => sleep(time).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.accept(conversation, connections) => {}
            () = async { match admin { Some(admin) => admin.await, None => pending().await } } => {}
            () = delay.after(&mut signals) => {}
            () = end => output::say(format_args!("the time of --development-for is over")),
        }

        output::say(format_args!(
            "stopping: finishing requests on {} open connections",
            stop.receiver_count()
        ));
        stop.send_replace(true);
        tokio::select! {
            drained = timeout(drain, stop.closed()) => match drained {
                Ok(()) => output::say(format_args!("stopped")),
                Err(_) => output::say(format_args!("stopped: cut requests that did not finish in time")),
            },
            () = signals.arrive() => output::say(format_args!("stopped: second signal")),
        }
    }

    /// Accepts connections for ever. Ends their listener when it is dropped.
    async fn accept(self, conversation: Conversation, connections: Connections) {
        loop {
            let (stream, address) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    rest_after(&error).await;
                    continue;
                }
            };
            // Without TCP_NODELAY, each event of a stream would wait for the next. A failure only
            // delays.
            drop(stream.set_nodelay(true));
            if let Some(place) = connections.admit(address.ip()).await {
                tokio::spawn(conversation.clone().hold(stream, address, place));
            }
        }
    }
}

/// Listens with a queue that takes a burst. Tokio's own has 1,024 places, and the kernel lowers
/// this to its limit.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Elsewhere, two programs could listen on one address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
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

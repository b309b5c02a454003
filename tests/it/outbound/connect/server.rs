//! An upstream that rejects uploads by their headers, and ends the connection.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::{http1, http2};

pub(super) const WORDS: &str = "the upstream's own words";

/// How much a server that lingers still reads, in bytes.
const LINGER: usize = 1_000_000;

/// How the upstream ends the connection of an upload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    /// Responds, and closes the connection.
    Closes,
    /// Announces the close, reads a megabyte, and closes the connection.
    Lingers,
    /// Responds, and resets the connection.
    Resets,
    /// Closes the connection without a response.
    Dies,
    /// Resets a connection as soon as it is open.
    Refuses,
    /// Responds, and goes on reading. Only for HTTP/2.
    StaysOpen,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Transport {
    Tcp,
    Tls,
}

/// A server on one port. It stops when it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) certificate: Option<CertificateDer<'static>>,
    seen: Arc<Seen>,
    task: AbortHandle,
}

#[derive(Default)]
pub(super) struct Seen {
    /// Whether the last upload came on a connection that had carried a request before.
    pub(super) reused: AtomicBool,
    /// When the last connection of an upload was closed.
    closed: Mutex<Option<Instant>>,
}

impl Server {
    pub(super) async fn start(transport: Transport, protocol: Protocol, ending: Ending) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tls, certificate) = match transport {
            Transport::Tcp => (None, None),
            Transport::Tls => {
                let (tls, certificate) = self_signed(protocol);
                (Some(tls), Some(certificate))
            }
        };
        let seen = Arc::new(Seen::default());
        let serving = Serving {
            tls,
            protocol,
            ending,
            seen: Arc::clone(&seen),
        };
        let accepting = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serving.clone();
                // An error means that the client ended the connection.
                tokio::spawn(async move { serving.accept(stream).await });
            }
        };
        Self {
            address,
            certificate,
            seen,
            task: tokio::spawn(accepting).abort_handle(),
        }
    }

    /// Returns whether the last upload came on a connection that had carried a request before.
    pub(super) fn was_reused(&self) -> bool {
        self.seen.reused.swap(false, Ordering::SeqCst)
    }

    /// Returns how long ago the server closed the last connection of an upload.
    pub(super) fn since_close(&self) -> Duration {
        let closed = self.seen.closed.lock().unwrap();
        closed.map_or(Duration::ZERO, |closed| closed.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn self_signed(protocol: Protocol) -> (TlsAcceptor, CertificateDer<'static>) {
    let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = issued.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    if protocol == Protocol::Http2 {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    (Arc::new(config).into(), certificate)
}

#[derive(Clone)]
struct Serving {
    tls: Option<TlsAcceptor>,
    protocol: Protocol,
    ending: Ending,
    seen: Arc<Seen>,
}

impl Serving {
    async fn accept(self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if matches!(self.ending, Ending::Resets | Ending::Refuses) {
            stream.set_zero_linger()?; // dropping it resets the connection
        }
        if self.ending == Ending::Refuses {
            drop(stream);
            *self.seen.closed.lock().unwrap() = Some(Instant::now());
            return Ok(());
        }
        match &self.tls {
            None => self.serve(stream).await?,
            Some(tls) => self.serve(tls.accept(stream).await?).await?,
        }
        *self.seen.closed.lock().unwrap() = Some(Instant::now());
        Ok(())
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        match self.protocol {
            Protocol::Http1 => http1::serve(&mut stream, self.ending, &self.seen).await?,
            Protocol::Http2 => http2::serve(&mut stream, self.ending, &self.seen).await?,
        }
        if self.ending == Ending::Lingers {
            linger(&mut stream).await?;
        }
        Ok(())
    }
}

async fn linger(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut left = LINGER;
    let mut buffer = vec![0; 64 * 1024];
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => break,
            length => left = left.saturating_sub(length),
        }
    }
    Ok(())
}

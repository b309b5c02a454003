//! Connections over TLS, and for how long the certificates of their clients hold.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::rotating::Subscription;

use super::client_ca::Authorities;

/// How often the certificate of an open connection is verified again, since it may expire.
const RECHECK: Duration = Duration::from_secs(60);

/// Accepts connections over TLS.
#[derive(Clone)]
pub(crate) struct Acceptor {
    tls: TlsAcceptor,
    clients: Option<Rotating<Authorities>>,
}

/// The certificate that the client of an open connection has shown.
pub(crate) struct ShownCertificate {
    chain: Vec<CertificateDer<'static>>,
    changes: Subscription<Authorities>,
    clients: Rotating<Authorities>,
}

impl Acceptor {
    pub(super) fn new(config: ServerConfig, clients: Option<Rotating<Authorities>>) -> Self {
        let tls = Arc::new(config).into();
        Self { tls, clients }
    }

    /// Does the handshake of a connection. Returns the client's certificate too, if it has shown
    /// one.
    pub(crate) async fn accept<I>(
        &self,
        stream: I,
    ) -> io::Result<(TlsStream<I>, Option<ShownCertificate>)>
    where
        I: AsyncRead + AsyncWrite + Unpin,
    {
        // Before the handshake, so that no change after it is missed.
        let changes = self.clients.as_ref().map(Rotating::subscribe);
        let stream = self.tls.accept(stream).await?;
        let shown = ShownCertificate::of(stream.get_ref().1, self.clients.clone(), changes);
        Ok((stream, shown))
    }
}

impl ShownCertificate {
    fn of(
        connection: &ServerConnection,
        clients: Option<Rotating<Authorities>>,
        changes: Option<Subscription<Authorities>>,
    ) -> Option<Self> {
        let chain = connection.peer_certificates()?;
        Some(Self {
            chain: chain
                .iter()
                .cloned()
                .map(CertificateDer::into_owned)
                .collect(),
            changes: changes?,
            clients: clients?,
        })
    }

    /// Waits until the certificate is not valid any more: until it has expired, or its authority is
    /// gone.
    pub(crate) async fn invalid(mut self) {
        while self.clients.current().admit(&self.chain, UnixTime::now()) {
            // Without a publisher, only the time still goes on.
            let changed = async {
                if self.changes.changed().await.is_none() {
                    pending::<()>().await;
                }
            };
            let _ = timeout(RECHECK, changed).await;
        }
    }
}

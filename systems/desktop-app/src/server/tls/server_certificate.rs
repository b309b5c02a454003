//! The server's certificate, which the app renews while the server runs.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tower_rotating_auth::source::{FileSource, Source as _, SourceError};
use tower_rotating_auth::{Rotating, Secret};

use crate::error::ServerError;

/// Resolves to the pair that is current when a connection starts.
#[derive(Debug)]
pub(super) struct Newest(Rotating<Pair>);

/// A certificate and its key. One file holds both, so they always match.
#[derive(Debug)]
struct Pair(Arc<CertifiedKey>);

impl Newest {
    /// Reads the file, and follows it.
    pub(super) async fn start(path: PathBuf) -> Result<Self, ServerError> {
        let file = FileSource::new(path).allow_any_content();
        let pairs = file.try_map(|content| Pair::parse(&content));
        let started = Rotating::start(pairs).await;
        started.map(Self).map_err(ServerError::Certificate)
    }
}

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().0))
    }
}

impl Pair {
    fn parse(content: &Secret) -> Result<Self, SourceError> {
        let content = content.expose_secret();
        let chain: Vec<_> = CertificateDer::pem_slice_iter(content)
            .collect::<Result<_, _>>()
            .map_err(|_| SourceError::invalid("found no certificate in PEM format"))?;
        let key = PrivateKeyDer::from_pem_slice(content)
            .map_err(|_| SourceError::invalid("found no private key in PEM format"))?;
        CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map(|pair| Self(Arc::new(pair)))
            .map_err(|_| SourceError::invalid("the certificate and its key do not match"))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert
    }
}

//! The default client: hyper-util's, with rustls.

use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;

use super::body::RequestBody;
use crate::blocking;
use crate::source::error::SourceError;

/// How long a connection may take. The fetch timeout bounds the rest.
const CONNECT: Duration = Duration::from_secs(10);

pub(crate) type Connected = Client<HttpsConnector<HttpConnector>, RequestBody>;

/// A client that is made at the first request: reading the system's certificates takes a while.
/// Clones share it.
#[derive(Clone, Default)]
pub(crate) struct DefaultClient(Arc<OnceCell<Connected>>);

impl DefaultClient {
    /// Creates a client that trusts these certificates only.
    pub(crate) fn trusting(pem: &[u8]) -> Result<Self, SourceError> {
        let unusable = || {
            SourceError::invalid("the root certificates are not usable; write certificates in PEM")
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| unusable())?;
            roots.add(certificate).map_err(|_| unusable())?;
        }
        if roots.is_empty() {
            return Err(unusable());
        }
        let client = client(roots)?;
        Ok(Self(Arc::new(OnceCell::new_with(Some(client)))))
    }

    pub(crate) async fn connected(&self) -> Result<Connected, SourceError> {
        let client = self.0.get_or_try_init(|| async {
            let made = blocking::run(|| client(system_roots())).await;
            made.map_err(|error| SourceError::transient("no client").with_source(error))?
        });
        client.await.cloned()
    }
}

/// Returns the certificates that the system trusts. There may be none, where only cleartext to
/// loopback is used.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Some systems list certificates that cannot be used.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn client(roots: RootCertStore) -> Result<Connected, SourceError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SourceError::permanent("no version of TLS").with_source(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    // A fetch a minute gains nothing from a connection that the other side may have closed.
    Ok(Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(connector))
}

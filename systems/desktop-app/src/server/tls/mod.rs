//! The certificate, which the app renews while the server runs, and the certificate that the app
//! itself shows.

use std::path::Path;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use tower::BoxError;
use tower_rotating_auth::source::{FileSource, Source as _, SourceError};
use tower_rotating_auth::{Rotating, Secret};

pub(crate) struct Tls {
    pair: Rotating<Pair>,
    /// The certificate of the app, for the administration.
    pub(crate) admin: CertificateDer<'static>,
}

/// A certificate and its key, which one file holds: so they always match.
#[derive(Debug)]
struct Pair(Arc<CertifiedKey>);

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert
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

impl Tls {
    pub(crate) async fn open(runtime: &Path) -> Result<Self, BoxError> {
        let file = FileSource::new(runtime.join("tls.pem")).allow_any_content();
        let pair = Rotating::start(file.try_map(|content| Pair::parse(&content))).await?;
        let admin = CertificateDer::from_pem_file(runtime.join("admin.crt"))
            .map_err(|error| format!("cannot read the app's certificate admin.crt: {error}"))?;
        Ok(Self { pair, admin })
    }

    pub(crate) fn config(&self) -> Result<RustlsConfig, BoxError> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.admin.clone())?;
        // Only the administration asks for a certificate, in `api`.
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(Newest(self.pair.clone())));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(RustlsConfig::from_config(config.into()))
    }
}

/// Resolves to the pair that is current when a connection starts.
#[derive(Debug)]
struct Newest(Rotating<Pair>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().0))
    }
}

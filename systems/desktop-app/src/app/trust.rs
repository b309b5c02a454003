//! The certificates that this app accepts: those of its own server alone, which is what pinning is.
//! And the one that it shows.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tower_rotating_auth::source::{FileSource, Source as _, SourceError};
use tower_rotating_auth::{Rotating, Secret};

use crate::error::AppError;

/// The pinned certificates, and the verifier that trusts them and no others.
#[derive(Debug)]
struct Trust {
    certificates: Vec<CertificateDer<'static>>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates
    }
}

impl Trust {
    fn parse(content: &Secret) -> Result<Self, SourceError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(content.expose_secret())
            .collect::<Result<_, _>>()
            .map_err(|_| SourceError::invalid("found no certificate in PEM format"))?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|_| SourceError::invalid("a certificate is not usable"))?;
        }
        let provider = ring::default_provider().into();
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .map_err(|_| SourceError::invalid("there is no certificate to trust"))?;
        Ok(Self {
            certificates,
            verifier,
        })
    }
}

/// Returns a configuration that follows the file of pinned certificates, and shows the instance's
/// own certificate if it has one.
pub(crate) async fn config(runtime: &Path, instance: &str) -> Result<ClientConfig, AppError> {
    let path = runtime.join("trust.pem");
    let file = FileSource::new(&path).allow_any_content();
    let trust = Rotating::start(file.try_map(|content| Trust::parse(&content))).await;
    let trust = trust.map_err(|error| AppError::Unreadable(path, error))?;
    let provider = ring::default_provider().into();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Newest(trust)));
    let own = runtime.join(format!("{instance}.pem"));
    if !own.try_exists()? {
        return Ok(config.with_no_client_auth());
    }
    let unreadable = |error| AppError::Certificate(own.clone(), error);
    let certificate = CertificateDer::from_pem_file(&own).map_err(unreadable)?;
    let key = PrivateKeyDer::from_pem_file(&own).map_err(unreadable)?;
    Ok(config.with_client_auth_cert(vec![certificate], key)?)
}

/// Verifies with the trust that is current when a connection starts.
#[derive(Debug)]
struct Newest(Rotating<Trust>);

impl ServerCertVerifier for Newest {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let trust = self.0.current();
        let verifier = &trust.verifier;
        verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let trust = self.0.current();
        trust
            .verifier
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let trust = self.0.current();
        trust
            .verifier
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.current().verifier.supported_verify_schemes()
    }
}

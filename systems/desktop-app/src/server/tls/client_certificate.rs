//! The certificates of clients. They are self-signed: no authority vouches for them. A key that is
//! bound to a certificate says whose it is (RFC 8705, sections 2.2 and 3).

use std::path::Path;
use std::sync::Arc;

use axum::extract::Request;
use axum_server::tls::TlsInfo;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use tower_rotating_auth::inbound::{CertificateDigest, ClientCertificate, ClientId};

use crate::error::ServerError;

/// Returns the digest of the app's certificate, which the app has left in `NAME.crt`.
pub(crate) fn digest_of_app(
    runtime: &Path,
    app: &ClientId,
) -> Result<CertificateDigest, ServerError> {
    let path = runtime.join(format!("{app}.crt"));
    match CertificateDer::from_pem_file(&path) {
        Ok(certificate) => Ok(CertificateDigest::of_der(&certificate)),
        Err(error) => Err(ServerError::AppCertificate(path, error)),
    }
}

/// Puts the certificate of a connection into each of its requests, where the layer that checks
/// keys looks for it.
pub(crate) async fn record_certificate(mut request: Request) -> Request {
    let tls = request.extensions().get::<Arc<TlsInfo>>();
    let shown = tls.and_then(|tls| tls.peer_certificates.first());
    if let Some(certificate) = shown.map(|shown| ClientCertificate::from_der(shown)) {
        request.extensions_mut().insert(certificate);
    }
    request
}

/// Accepts every certificate whose private key the client has, and clients without one.
#[derive(Debug)]
pub(super) struct AnyCertificate(WebPkiSupportedAlgorithms);

impl AnyCertificate {
    pub(super) const fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

//! The certificate that the client has shown in the TLS handshake.

use crate::inbound::key::CertificateDigest;

/// The certificate that the client has shown in the TLS handshake, as a request extension.
///
/// The server puts it into each request of a connection whose certificate it has verified: the
/// possession of its private key, and a chain to an authority that it trusts, if it requires one.
/// A key that is [bound to a certificate](crate::inbound::KeyRecord::with_certificate) is accepted
/// only beside this extension. Never fill it from a header that a client can send.
///
/// # Expiry
///
/// TLS verifies a certificate in the handshake alone, and a connection can outlive it. The layer
/// reads this extension for each request, keeps the digest, and knows no expiry. A server that
/// stops setting the extension once the certificate has expired, or its authority is gone, has a
/// bound key refused from the next request on. Open responses and upgraded connections go on until
/// the server closes the connection. The program `rotating-auth` verifies the certificates of open
/// connections again every minute and whenever its authorities change, and closes a connection
/// whose certificate does not hold any more.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::{CertificateDigest, ClientCertificate};
///
/// let certificate = ClientCertificate::from_der(b"certificate in DER");
/// assert_eq!(certificate.digest(), CertificateDigest::of_der(b"certificate in DER"));
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(certificate);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientCertificate(CertificateDigest);

impl ClientCertificate {
    /// Creates the extension from the end-entity certificate in DER. It keeps the digest alone.
    #[must_use]
    pub fn from_der(certificate: &[u8]) -> Self {
        Self(CertificateDigest::of_der(certificate))
    }

    /// Returns the digest of the certificate.
    #[must_use]
    pub const fn digest(&self) -> CertificateDigest {
        self.0
    }
}

impl From<CertificateDigest> for ClientCertificate {
    fn from(digest: CertificateDigest) -> Self {
        Self(digest)
    }
}

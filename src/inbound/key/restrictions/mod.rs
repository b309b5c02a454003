//! Restrictions of a key: networks and a certificate.

mod certificate_digest;
mod networks;

pub use self::certificate_digest::CertificateDigest;
pub use self::networks::Networks;

/// The requirements of a request besides its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restrictions {
    /// The addresses that the key may be used from; `None` for all.
    pub(crate) networks: Option<Networks>,
    /// The TLS client certificate that the key is bound to; `None` for any, or none.
    pub(crate) certificate: Option<CertificateDigest>,
}

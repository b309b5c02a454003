//! Certificates to trust instead of the system's.

use std::path::PathBuf;
use std::str::FromStr;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The certificates of a private CA, as its file had them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustedCa {
    path: PathBuf,
    certificates: Vec<CertificateDer<'static>>,
}

impl TrustedCa {
    pub(super) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        // All of them have been checked.
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        roots
    }
}

impl FromStr for TrustedCa {
    type Err = String;

    /// Reads a PEM file.
    fn from_str(path: &str) -> Result<Self, String> {
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("cannot read {path}: {error}"))?;
        let mut roots = RootCertStore::empty();
        let (usable, unusable) = roots.add_parsable_certificates(certificates.iter().cloned());
        if usable == 0 || unusable > 0 {
            return Err(format!(
                "{path} must hold certificates of a CA in PEM format"
            ));
        }
        let path = PathBuf::from(path);
        Ok(Self { path, certificates })
    }
}

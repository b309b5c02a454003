//! The server's certificate, and the one that this instance shows to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem;
use time::OffsetDateTime;

use crate::error::AppError;
use crate::private_file::replace;

/// The lifetime of the server's certificate.
const LIFETIME: time::Duration = time::Duration::days(90);
/// How long clients have to read the new certificate before the server shows it.
const NOTICE: Duration = Duration::from_secs(1);

const END: &str = "-----END CERTIFICATE-----\n";

struct Pair {
    certificate: String,
    key: String,
}

impl Pair {
    fn self_signed(params: &CertificateParams) -> Result<Self, AppError> {
        let key = KeyPair::generate()?;
        Ok(Self {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    }

    fn of_server() -> Result<Self, AppError> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names)?;
        params.not_before = OffsetDateTime::now_utc() - time::Duration::minutes(5);
        params.not_after = OffsetDateTime::now_utc() + LIFETIME;
        Self::self_signed(&params)
    }

    /// Writes the certificate and its key into one file, so that they always match.
    fn write(&self, path: &Path) -> Result<(), AppError> {
        let both = format!("{}{}", self.certificate, self.key);
        Ok(replace(path, both.as_bytes())?)
    }
}

/// Makes the certificates for a start of the server.
pub(crate) fn first(runtime: &Path, instance: &str) -> Result<(), AppError> {
    let server = Pair::of_server()?;
    replace(&runtime.join("trust.pem"), server.certificate.as_bytes())?;
    server.write(&runtime.join("tls.pem"))?;
    of_instance(runtime, instance)
}

/// Makes the certificate of this instance, unless it has one. It outlives starts, since keys are
/// bound to it: the operator's key is the same at the next start.
fn of_instance(runtime: &Path, instance: &str) -> Result<(), AppError> {
    let pair = runtime.join(format!("{instance}.pem"));
    if !pair.try_exists()? {
        Pair::self_signed(&CertificateParams::new([instance.to_owned()])?)?.write(&pair)?;
    }
    // The server reads the certificate alone. Each start writes it, so it always matches the pair.
    let both = std::fs::read_to_string(&pair)?;
    let public = runtime.join(format!("{instance}.crt"));
    match both.split_inclusive(END).next() {
        Some(certificate) if certificate.ends_with(END) => {
            Ok(replace(&public, certificate.as_bytes())?)
        }
        _ => Err(AppError::Certificate(pair, pem::Error::NoItemsFound)),
    }
}

/// Renews the server's certificate on a schedule. Clients trust the next one before the server
/// shows it, and no longer trust the last one some time after that.
pub(crate) async fn renew(runtime: PathBuf, period: Duration) {
    let trust = runtime.join("trust.pem");
    loop {
        tokio::time::sleep(period).await;
        if let Err(error) = renew_once(&runtime, &trust).await {
            eprintln!("cannot renew: {}", desktop_app::with_causes(&error));
        }
    }
}

async fn renew_once(runtime: &Path, trust: &Path) -> Result<(), AppError> {
    let next = Pair::of_server()?;
    let last = std::fs::read_to_string(trust)?;
    replace(trust, format!("{last}{}", next.certificate).as_bytes())?;
    tokio::time::sleep(NOTICE).await;
    next.write(&runtime.join("tls.pem"))?;
    tokio::time::sleep(NOTICE).await;
    Ok(replace(trust, next.certificate.as_bytes())?)
}

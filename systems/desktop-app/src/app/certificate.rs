//! The server's certificate, and the one that this app shows to its administration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use time::OffsetDateTime;
use tower::BoxError;

use crate::private_file::replace;

const LIFETIME: time::Duration = time::Duration::days(90);
/// How long clients have to read the new certificate before the server shows it.
const NOTICE: Duration = Duration::from_secs(1);

struct Pair {
    certificate: String,
    key: String,
}

impl Pair {
    fn generate(names: &[&str]) -> Result<Self, BoxError> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.not_before = OffsetDateTime::now_utc() - time::Duration::minutes(5);
        params.not_after = OffsetDateTime::now_utc() + LIFETIME;
        let key = KeyPair::generate()?;
        Ok(Self {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    }

    fn of_server() -> Result<Self, BoxError> {
        Self::generate(&["localhost", "127.0.0.1", "::1"])
    }

    /// Writes the certificate and its key into one file, so that they always match.
    fn write(&self, path: &Path) -> Result<(), BoxError> {
        let both = format!("{}{}", self.certificate, self.key);
        Ok(replace(path, both.as_bytes())?)
    }
}

/// Makes the certificates for a start.
pub(crate) fn first(runtime: &Path) -> Result<(), BoxError> {
    let server = Pair::of_server()?;
    replace(&runtime.join("trust.pem"), server.certificate.as_bytes())?;
    server.write(&runtime.join("tls.pem"))?;
    let app = Pair::generate(&["app"])?;
    app.write(&runtime.join("admin.pem"))?;
    Ok(replace(
        &runtime.join("admin.crt"),
        app.certificate.as_bytes(),
    )?)
}

/// Renews the server's certificate on a schedule. Clients trust the next one before the server
/// shows it, and no longer trust the last one some time after that.
pub(crate) async fn renew(runtime: PathBuf, period: Duration) {
    let trust = runtime.join("trust.pem");
    loop {
        tokio::time::sleep(period).await;
        if let Err(error) = renew_once(&runtime, &trust).await {
            eprintln!("cannot renew the certificate: {error}");
        }
    }
}

async fn renew_once(runtime: &Path, trust: &Path) -> Result<(), BoxError> {
    let next = Pair::of_server()?;
    let last = std::fs::read_to_string(trust)?;
    replace(trust, format!("{last}{}", next.certificate).as_bytes())?;
    tokio::time::sleep(NOTICE).await;
    next.write(&runtime.join("tls.pem"))?;
    tokio::time::sleep(NOTICE).await;
    Ok(replace(trust, next.certificate.as_bytes())?)
}

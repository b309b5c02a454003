//! TLS in both directions: the server's certificate, and those of its clients.

mod client_certificate;
mod server_certificate;

use std::path::Path;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::crypto::ring;

use self::client_certificate::AnyCertificate;
pub(crate) use self::client_certificate::{digest_of_app, record_certificate};
use self::server_certificate::Newest;
use crate::error::ServerError;

/// Returns a configuration that follows the certificate in `tls.pem`.
pub(crate) async fn config(runtime: &Path) -> Result<RustlsConfig, ServerError> {
    let provider = Arc::new(ring::default_provider());
    let certificate = Newest::start(runtime.join("tls.pem")).await?;
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(AnyCertificate::new(&provider)))
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(config.into()))
}

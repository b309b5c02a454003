//! Why the server does not start.

use std::env::VarError;
use std::io;
use std::path::PathBuf;

use desktop_app::KEY_VARIABLE;
use rustls::pki_types::pem;
use thiserror::Error;
use tower_rotating_auth::audit::AuditFileError;
use tower_rotating_auth::keyring::{KeyRingError, RotatorError};
use tower_rotating_auth::rotating::StartError;
use tower_rotating_auth::{InvalidKey, ParseError, inbound, outbound};

/// An error that keeps the server from starting, or ends it.
#[derive(Debug, Error)]
pub(crate) enum ServerError {
    #[error("{KEY_VARIABLE} is not set; pass the app's key in it, or use --mode development")]
    NoKey,
    #[error("the key in {KEY_VARIABLE} cannot be used")]
    UnusableKey(#[source] inbound::KeySetError),
    #[error("BACKEND_KEY is not set; pass the key of --backend in it")]
    NoBackendKey(#[source] VarError),
    #[error("the key in BACKEND_KEY cannot be used")]
    UnusableBackendKey(#[source] InvalidKey),
    #[error("--backend cannot be used")]
    Backend(#[source] outbound::ConfigError),
    #[error("cannot read the app's certificate {path}; the app writes it when it starts", path = .0.display())]
    AppCertificate(PathBuf, #[source] pem::Error),
    #[error("cannot read the server's certificate")]
    Certificate(#[source] StartError),
    #[error(transparent)]
    Inbound(#[from] inbound::ConfigError),
    #[error(transparent)]
    Name(#[from] ParseError),
    #[error("the key ring failed")]
    KeyRing(#[from] KeyRingError),
    #[error("cannot rotate keys")]
    Rotator(#[from] RotatorError),
    #[error(transparent)]
    Audit(#[from] AuditFileError),
    #[error("TLS cannot be configured")]
    Tls(#[from] rustls::Error),
    #[error("cannot serve")]
    Io(#[from] io::Error),
}

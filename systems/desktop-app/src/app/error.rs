//! Why the app does not start, or a call fails.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use http::StatusCode;
use hyper_util::client::legacy;
use rustls::pki_types::pem;
use thiserror::Error;
use tower_rotating_auth::outbound::ConfigError;
use tower_rotating_auth::rotating::StartError;

/// An error that ends the app.
#[derive(Debug, Error)]
pub(crate) enum AppError {
    #[error("cannot make a key")]
    NoRandomness(#[source] io::Error),
    #[error("APP_KEY is not text in UTF-8")]
    KeyIsNoText,
    #[error("the server speaks plain http; pass --allow-cleartext to use it")]
    Cleartext,
    #[error("cannot read {path}; start the first instance, with --server", path = .0.display())]
    NoServer(PathBuf, #[source] io::Error),
    #[error("cannot read {path}", path = .0.display())]
    Unreadable(PathBuf, #[source] StartError),
    #[error("cannot read this instance's certificate {path}", path = .0.display())]
    Certificate(PathBuf, #[source] pem::Error),
    #[error("cannot make a certificate")]
    NoCertificate(#[from] rcgen::Error),
    #[error("TLS cannot be configured")]
    Tls(#[from] rustls::Error),
    #[error("the server's URL cannot be used")]
    Url(#[from] ConfigError),
    #[error("cannot start {program}", program = .0.display())]
    Spawn(PathBuf, #[source] io::Error),
    #[error("the server did not start")]
    ServerDidNotStart,
    #[error("the server ended with {0}")]
    ServerFailed(ExitStatus),
    #[error("a file of the folder failed")]
    Io(#[from] io::Error),
}

/// An error of one call.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    #[error("the request cannot be sent")]
    Request(#[from] http::Error),
    #[error("no response")]
    NoResponse(#[from] legacy::Error),
    #[error("the response broke off")]
    BrokeOff(#[from] hyper::Error),
    #[error("status {0}")]
    Status(StatusCode),
    #[error("a stream ended early")]
    EndedEarly,
}

//! A desktop app that spawns a model server and uses it, in two instances.
//!
//! The first instance makes a key and a certificate, spawns the server, and renews the certificate.
//! Each instance reads its own key from its own file, which the server rewrites.

mod args;
mod calls;
mod certificate;
mod client;
mod error;
mod private_file;
mod spawn;
mod trust;

use std::env::VarError;
use std::process::ExitCode;

use clap::Parser as _;
use tower_rotating_auth::Secret;
use tower_rotating_auth::keyring::NewKey;

use self::args::Args;
use self::client::Api;
use self::error::AppError;
use self::spawn::Server;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", desktop_app::with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

/// Returns the number of calls that failed.
async fn run(args: Args) -> Result<usize, AppError> {
    let url_file = args.runtime.join("url");
    let server = match &args.server {
        Some(program) => {
            private_file::folder(&args.runtime)?;
            certificate::first(&args.runtime, &args.name)?;
            let key = first_key()?;
            let own = args.runtime.join(format!("{}.key", args.name));
            private_file::replace(&own, key.expose_secret())?;
            let server = Server::spawn(program, &args, &key).await?;
            private_file::replace(&url_file, server.url.as_bytes())?;
            Some(server)
        }
        None => None,
    };
    let url =
        std::fs::read_to_string(&url_file).map_err(|error| AppError::NoServer(url_file, error))?;
    let api = Api::open(&args, url.trim()).await?;
    let renewals = args
        .renew_certificate
        .filter(|_| server.is_some())
        .map(|period| tokio::spawn(certificate::renew(args.runtime.clone(), period)));

    let counts = calls::make(&api, args.calls, args.seconds).await;
    println!("{}", counts.to_json(&args.name, api.generation()));

    if let Some(renewals) = renewals {
        renewals.abort();
    }
    if let Some(server) = server {
        server.stop().await?;
    }
    Ok(counts.failed.len())
}

/// Returns the key that the operator has set, or a new one.
fn first_key() -> Result<Secret, AppError> {
    match std::env::var("APP_KEY") {
        Ok(key) => Ok(Secret::from(key)),
        Err(VarError::NotUnicode(_)) => Err(AppError::KeyIsNoText),
        Err(VarError::NotPresent) => {
            let key = NewKey::generate().map_err(AppError::NoRandomness)?;
            Ok(Secret::from(key.token().expose_secret()))
        }
    }
}

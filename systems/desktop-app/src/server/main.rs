//! A model server with an OpenAI-compatible API, which a desktop app spawns.
//!
//! Its keys live in a key ring. The app passes the first one in `MODEL_SERVER_KEY`; the server
//! rotates the keys of all clients and delivers each to a file that only its user can read.

mod api;
mod args;
mod backend;
mod keys;
mod local;
mod log;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use axum_server::Handle;
use clap::Parser as _;
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tower::BoxError;
use tower_rotating_auth::RotatingAuthLayer;

use self::api::Api;
use self::args::Args;
use self::backend::Backend;

/// How long open requests may take to finish.
const DRAIN: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), BoxError> {
    let access = keys::open(&args).await?;
    let backend = args.backend.as_deref().map(Backend::new).transpose()?;
    let tls = match args.cleartext {
        true => None,
        false => Some(tls::Tls::open(&args.runtime).await?),
    };
    let api = Api {
        ring: access.ring,
        backend,
        admin: tls.as_ref().map(|tls| tls.admin.clone()),
    };
    let router = api::router(api).layer(RotatingAuthLayer::new().require(access.require));
    let router = match args.mode {
        args::Mode::Development => router.layer(axum::middleware::from_fn(local::only_local)),
        args::Mode::Mixed | args::Mode::Production => router,
    };

    let listener = TcpListener::bind(args.listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let handle = Handle::new();
    tokio::spawn(stop(handle.clone()));
    println!("listening on {scheme}://{address}");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some(tls) => {
            let server = axum_server::from_tcp_rustls(listener, tls.config()?)?;
            server.handle(handle).serve(service).await?;
        }
        None => {
            let server = axum_server::from_tcp(listener)?;
            server.handle(handle).serve(service).await?;
        }
    }
    Ok(())
}

/// Stops the server after a signal, or when the app that spawned it has ended: its end of standard
/// input is closed then.
async fn stop(handle: Handle<SocketAddr>) {
    let app_ended = async {
        let mut input = tokio::io::stdin();
        let mut byte = [0];
        while matches!(input.read(&mut byte).await, Ok(1)) {}
    };
    let signalled = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = app_ended => {}
        _ = signalled => {}
    }
    handle.graceful_shutdown(Some(DRAIN));
}

/// Formats an error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

//! A model server with an OpenAI-compatible API, which a desktop app spawns.
//!
//! Its keys live in a key ring. The app passes the first one in `MODEL_SERVER_KEY`; the server
//! rotates the keys of all clients and delivers each to a file that only its user can read.

mod access;
mod api;
mod args;
mod backend;
mod error;
mod local;
mod policy;
mod stop;
mod tls;
mod trace;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use axum::middleware::{from_fn, map_request};
use axum_server::Handle;
use clap::Parser as _;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tower_rotating_auth::RotatingAuthLayer;
use tower_rotating_auth::audit::{AuditFile, AuditLog};
use tracing::Level;

use self::api::Api;
use self::args::{Args, Mode};
use self::backend::Backend;
use self::error::ServerError;

/// How long to wait for the last lines of the audit.
const LAST_LINES: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let args = Args::parse();
    trace::start();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", desktop_app::with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), ServerError> {
    let file = AuditFile::open(args.runtime.join("audit.jsonl"))?;
    let audit = AuditLog::new(file.subscriber());
    let ended = audit.ended();
    let outcome = serve(args, &audit);
    // The runtime has ended, and with it every part that the audit hears from.
    drop(audit);
    if !ended.wait(LAST_LINES) {
        tracing::error!("the audit has lost its last lines");
    }
    outcome
}

#[tokio::main]
async fn serve(args: &Args, audit: &AuditLog) -> Result<(), ServerError> {
    let (tls, certificate) = if args.cleartext {
        (None, None)
    } else {
        let digest = tls::digest_of_app(&args.runtime, &args.owner)?;
        (Some(tls::config(&args.runtime).await?), Some(digest))
    };
    let access = access::open(args, certificate, audit).await?;
    let backend = args.backend.as_deref().map(Backend::new).transpose()?;
    let api = Api {
        ring: access.ring,
        backend,
    };
    // The last layer is the outermost.
    let router = api::router(api)
        .layer(RotatingAuthLayer::new().require(access.layer))
        .layer(map_request(tls::record_certificate));
    let router = match args.mode {
        Mode::Development => router.layer(from_fn(local::only_local)),
        Mode::Mixed | Mode::Production => router,
    };
    let responses = DefaultOnResponse::new().level(Level::INFO);
    let trace = TraceLayer::new_for_http()
        .make_span_with(trace::span)
        .on_response(responses);
    let router = router.layer(trace);

    let listener = TcpListener::bind(args.listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let handle = Handle::new();
    tokio::spawn(stop::wait(handle.clone()));
    let scheme = if tls.is_some() { "https" } else { "http" };
    println!("listening on {scheme}://{address}");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some(config) => {
            let server = axum_server::from_tcp_rustls(listener, config)?;
            server.handle(handle).serve(service).await?;
        }
        None => {
            let server = axum_server::from_tcp(listener)?;
            server.handle(handle).serve(service).await?;
        }
    }
    Ok(())
}

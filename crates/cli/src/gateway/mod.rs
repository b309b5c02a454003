//! An OpenAI-compatible gateway: it lets clients with a key in and puts the upstream's key on every
//! request; when either is replaced, requests that stream through it do not notice.
//!
//! `cargo run --example gateway` needs nothing else; `-- --help` tells the rest.

mod args;
mod client;
mod config;
mod cors;
mod credentials;
mod door;
mod entrance;
mod errors;
mod health;
mod hops;
mod join;
mod key;
#[path = "../shared/line.rs"]
mod line;
mod patience;
mod proxy;
mod report;
mod serve;
mod tls;
mod upload;
mod upstream;

use std::process::ExitCode;

use axum::Router;
use tower::ServiceBuilder;
use tower_rotating_auth::RotatingAuthLayer;

use self::args::Args;
use self::config::{Behind, Config, Front, Pace, Upstream};
use self::entrance::Entrance;
use self::key::Key;
use self::patience::Progress;
use self::proxy::Proxy;
use self::serve::Listener;
use self::tls::Tls;
use self::upstream::Demo;

/// Why the gateway does not run.
#[derive(Debug)]
enum Failure {
    /// What it was told makes no sense; nothing was tried.
    Usage(String),
    /// It tried.
    Start(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    let (why, code) = match run().await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(why)) => (why, 2),
        Err(Failure::Start(why)) => (why, 1),
    };
    report::complain(format_args!("error: {why}"));
    ExitCode::from(code)
}

async fn run() -> Result<(), Failure> {
    let Some(args) = Args::read()? else {
        return Ok(()); // help was asked for, and has been given
    };
    let Config {
        listen,
        pace,
        front,
        behind,
    } = Config::decide(args)?;
    report::warnings();
    let listener = Listener::bind(listen).await?;
    match behind {
        Behind::Demo => {
            let demo = Demo::start().await?;
            report::demo();
            gateway(listener, pace, front, &demo.upstream(), upstream::TRY).await
        }
        Behind::Upstream(upstream) => gateway(listener, pace, front, &upstream, "/v1/models").await,
    }
}

/// Everything at once: the key, the client that carries it, the door, until a signal to stop comes.
async fn gateway(
    listener: Listener,
    pace: Pace,
    front: Front,
    upstream: &Upstream,
    try_it: &str,
) -> Result<(), Failure> {
    let key = Key::open(upstream, pace.poll).await?;
    let client = ServiceBuilder::new()
        .layer(RotatingAuthLayer::new().inject(key.inject(upstream)?))
        .map_request(Progress::note_attempt)
        .service(client::connect(&upstream.base)?);
    let proxy = Proxy::new(client, upstream, pace.upstream);
    let entrance = Entrance::open(front.door, pace.poll).await?;
    let guarded = Router::new()
        .fallback(|request| proxy.answer(request))
        .layer(entrance.layer());
    let tls = match &front.tls {
        Some(files) => Some(Tls::open(files, pace.poll).await?),
        None => None,
    };
    let acceptor = tls.as_ref().map(Tls::acceptor).transpose()?;
    let sources = [key.source()]
        .into_iter()
        .chain(entrance.source())
        .chain(tls.iter().flat_map(Tls::sources));
    // The health routes stand before the door, and CORS before everything: refusals have its headers.
    let app = health::routes(sources.collect()).fallback_service(guarded);
    let app = match cors::layer(&front.cors) {
        Some(cors) => app.layer(cors),
        None => app,
    };

    let url = listener.url(acceptor.as_ref());
    report::listening(&url, try_it, entrance.present());
    listener.serve(app, acceptor, pace.drain).await;
    entrance.close().await;
    Ok(())
}

//! An OpenAI-compatible gateway: it puts the upstream's key on every request, and when that key is
//! replaced, requests that stream through it do not notice.
//!
//! `cargo run --example gateway` needs nothing else; `-- --help` tells the rest.

mod args;
mod client;
mod config;
mod credentials;
mod errors;
mod health;
mod hops;
mod join;
mod key;
mod patience;
mod proxy;
mod report;
mod serve;
mod upload;
mod upstream;

use std::process::ExitCode;

use tower::ServiceBuilder;
use tower_rotating_auth::RotatingAuthLayer;

use self::args::Args;
use self::config::{Config, Mode, Pace, Upstream};
use self::key::Key;
use self::proxy::Proxy;
use self::serve::Listener;
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
    let Config { listen, pace, mode } = Config::decide(args)?;
    report::warnings();
    let listener = Listener::bind(listen).await?;
    match mode {
        Mode::Demo => {
            let demo = Demo::start().await?;
            report::demo();
            gateway(listener, pace, &demo.upstream(), upstream::TRY).await
        }
        Mode::Gateway(upstream) => gateway(listener, pace, &upstream, "/v1/models").await,
    }
}

/// Everything at once: the key, the client that carries it, the doors, until a signal to stop comes.
async fn gateway(
    listener: Listener,
    pace: Pace,
    upstream: &Upstream,
    try_it: &str,
) -> Result<(), Failure> {
    let key = Key::open(upstream, pace.poll).await?;
    let client = ServiceBuilder::new()
        .layer(RotatingAuthLayer::new().inject(key.inject(upstream)?))
        .service(client::connect(&upstream.base)?);
    let proxy = Proxy::new(client, upstream, pace.upstream);
    let app = health::routes(key.sources()).fallback(|request| proxy.answer(request));

    report::listening(listener.address(), try_it);
    listener.serve(app, pace.drain).await;
    Ok(())
}

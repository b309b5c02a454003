//! An OpenAI-compatible gateway: it authenticates clients and sends the upstream's key on every
//! request. When either key is replaced, no request that streams through it notices.

mod args;
mod auth;
mod config;
mod cors;
mod error_response;
mod events;
mod health;
mod proxy;
mod server;
mod upstream_key;

use axum::Router;
use tower::ServiceBuilder;
use tower_rotating_auth::RotatingAuthLayer;

pub(crate) use self::args::GatewayArgs;
use self::auth::Authenticator;
pub(crate) use self::auth::{AuthConfig, Guard, KeysFrom};
pub(crate) use self::config::{Config, Front, KeyFrom, KeyHeader, Pace, Upstream};
pub(crate) use self::proxy::base_url::Base;
use self::proxy::idle_timeout::Progress;
use self::proxy::{Proxy, client};
pub(crate) use self::server::Listener;
use self::server::tls::Tls;
use self::upstream_key::Key;
use crate::error::Error;

pub(crate) async fn run(args: GatewayArgs) -> Result<(), Error> {
    let config = Config::decide(args)?;
    events::warnings();
    let listener = Listener::bind(config.listen).await?;
    serve(listener, config, "/v1/models").await
}

/// Everything at once: the key, the client that carries it, the authenticator, until a signal to stop
/// comes.
pub(crate) async fn serve(listener: Listener, config: Config, try_it: &str) -> Result<(), Error> {
    let Config {
        pace,
        front,
        upstream,
        ..
    } = config;
    let key = Key::open(&upstream, pace.poll).await?;
    let client = ServiceBuilder::new()
        .layer(RotatingAuthLayer::new().inject(key.inject(&upstream)?))
        .map_request(Progress::note_attempt)
        .service(client::connect(&upstream.base)?);
    let proxy = Proxy::new(client, &upstream.base, pace.upstream);
    let authenticator = Authenticator::open(front.auth, pace.poll).await?;
    let guarded = Router::new()
        .fallback(|request| proxy.answer(request))
        .layer(authenticator.layer());
    let tls = match &front.tls {
        Some(files) => Some(Tls::open(files, pace.poll).await?),
        None => None,
    };
    let acceptor = tls.as_ref().map(Tls::acceptor).transpose()?;
    let sources = [key.source()]
        .into_iter()
        .chain(authenticator.source())
        .chain(tls.iter().flat_map(Tls::sources));
    // Health routes need no key, and CORS headers go on every answer, also on refusals.
    let app = health::routes(sources.collect()).fallback_service(guarded);
    let app = match cors::layer(&front.cors) {
        Some(cors) => app.layer(cors),
        None => app,
    };

    let url = listener.url(acceptor.as_ref());
    events::listening(&url, try_it, authenticator.present());
    listener.serve(app, acceptor, pace.drain).await;
    authenticator.close().await;
    Ok(())
}

//! An OpenAI-compatible gateway. It authenticates clients and sends the upstream's key on every
//! request. Requests that are in flight while either key rotates do not notice.

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
use tokio_rustls::TlsAcceptor;
use tower::ServiceBuilder;
use tower_rotating_auth::RotatingAuthLayer;

pub(crate) use self::args::GatewayArgs;
use self::auth::Authenticator;
pub(crate) use self::auth::{AuthConfig, ClientKeys, Guard};
pub(crate) use self::config::{Config, KeyFrom, KeyHeader, Limits, Server, Upstream};
pub(crate) use self::events::EventLog;
pub(crate) use self::proxy::base_url::Base;
use self::proxy::idle_timeout::Progress;
use self::proxy::{Proxy, client};
pub(crate) use self::server::Listener;
use self::server::tls::Tls;
use self::upstream_key::UpstreamKey;
use crate::error::Error;
use crate::output;

/// Runs the gateway until a signal stops it.
pub(crate) async fn run(args: GatewayArgs) -> Result<(), Error> {
    let config = Config::from_args(args)?;
    events::trace_warnings();
    let is_open = matches!(config.server.auth, AuthConfig::Open(_));
    let listener = Listener::bind(config.listen).await?;
    let gateway = Gateway::open(config, EventLog::Lines, |app| app).await?;
    let url = gateway.url(&listener);
    output::say(format_args!("listening on {url}"));
    if is_open {
        output::say(format_args!(
            "development mode: clients need no key; anyone who reaches this address is served"
        ));
        output::say(format_args!("curl -N {url}/v1/models"));
    } else {
        output::say(format_args!(
            r#"curl -N {url}/v1/models -H "Authorization: Bearer $CLIENT_KEY""#
        ));
    }
    gateway.serve(listener).await;
    Ok(())
}

/// A gateway that has read its keys and is ready to serve.
pub(crate) struct Gateway {
    app: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    authenticator: Authenticator,
    /// Dropping it would stop an environment key from being current.
    _upstream_key: UpstreamKey,
}

impl Gateway {
    /// Reads all keys, and fails if one of them is unusable. `wrap` gets the part of the
    /// application that needs a key, with authentication in it.
    pub(crate) async fn open(
        config: Config,
        log: EventLog,
        wrap: impl FnOnce(Router) -> Router,
    ) -> Result<Self, Error> {
        let Config {
            limits,
            server,
            upstream,
            ..
        } = config;
        let key = UpstreamKey::open(&upstream, limits.poll, log).await?;
        let client = ServiceBuilder::new()
            .layer(RotatingAuthLayer::new().inject(key.inject(&upstream)?))
            .map_request(Progress::note_attempt)
            .service(client::connect(&upstream.base)?);
        let proxy = Proxy::new(client, &upstream.base, limits.upstream);
        let authenticator = Authenticator::open(server.auth, limits.poll, log).await?;
        let guarded = Router::new()
            .fallback(|request| proxy.answer(request))
            .layer(authenticator.layer());
        let tls = match &server.tls {
            Some(files) => Some(Tls::open(files, limits.poll, log).await?),
            None => None,
        };
        let acceptor = tls.as_ref().map(Tls::acceptor).transpose()?;
        let sources = [key.source()]
            .into_iter()
            .chain(authenticator.source())
            .chain(tls.iter().flat_map(Tls::sources));
        // Health routes need no key. CORS is outermost, so that refusals carry its headers, too.
        let app = health::routes(sources.collect()).fallback_service(wrap(guarded));
        let app = match cors::layer(&server.cors) {
            Some(cors) => app.layer(cors),
            None => app,
        };
        Ok(Self {
            app,
            tls: acceptor,
            limits,
            authenticator,
            _upstream_key: key,
        })
    }

    pub(crate) fn url(&self, listener: &Listener) -> String {
        listener.url(self.tls.is_some())
    }

    /// Serves until a signal stops it, then lets open requests finish.
    pub(crate) async fn serve(self, listener: Listener) {
        listener.serve(self.app, self.tls, self.limits.drain).await;
        self.authenticator.close().await;
    }
}

//! An OpenAI-compatible gateway. It authenticates clients and sends the upstream's key on every
//! request. Requests that are in flight while either key rotates do not notice.

mod access;
mod args;
mod auth;
mod config;
mod edge;
mod error_response;
mod events;
mod header_args;
mod health;
mod limits;
mod proxy;
mod server;
mod units;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::try_join_all;
use tokio_rustls::TlsAcceptor;

use self::access::AccessLog;
pub(crate) use self::args::GatewayArgs;
use self::auth::Authenticator;
pub(crate) use self::auth::{AuthConfig, ClientKeys, Guard};
pub(crate) use self::config::{Limits, Server, Settings};
use self::edge::cors;
pub(crate) use self::events::EventLog;
use self::health::Health;
pub(crate) use self::limits::LimitArgs;
use self::proxy::Reports;
pub(crate) use self::proxy::address::base_url::{Base, Cleartext};
use self::proxy::admission::Admission;
use self::proxy::body::replay::BudgetedReplay;
pub(crate) use self::proxy::headers::HeaderRules;
use self::proxy::headers::Via;
pub(crate) use self::server::Listener;
use self::server::tls::Tls;
use self::server::{Service, Signals};
pub(crate) use self::upstream::{KeyFrom, KeyHeader, Upstream};
use self::upstream::{OpenUpstream, Shared, Upstreams};
use crate::error::Error;
use crate::hangups::Hangups;
use crate::output::log;
use crate::{open_files, output};

/// Runs the gateway until a signal stops it.
pub(crate) async fn run(args: GatewayArgs) -> Result<(), Error> {
    log::start(args.log.log_format)?;
    let mut settings = Settings::from_args(args)?;
    let open_files = open_files::raise();
    if settings.limits.fit(open_files) {
        output::complain(format_args!(
            "the limit of {} open files allows only {} connections and {} requests; raise it (ulimit \
             -n, LimitNOFILE=)",
            open_files.unwrap_or_default(),
            settings.limits.server.connections,
            settings.limits.proxy.requests,
        ));
    }
    let is_open = matches!(settings.server.auth, AuthConfig::Open(_));
    let listener = Listener::bind(settings.listen, "--listen (GATEWAY_LISTEN)")?;
    let gateway = Gateway::open(settings, EventLog::Lines, |app| app).await?;
    let url = gateway.url(&listener);
    output::say(format_args!("listening on {url}"));
    if let Some((admin, _)) = &gateway.admin {
        output::say(format_args!("admin on {}", admin.url(false)));
    }
    if is_open {
        output::say(format_args!(
            "development mode: clients need no key; every program of this machine is served"
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
    admin: Option<(Listener, Router)>,
    limits: Limits,
    signals: Signals,
    end_after: Option<Duration>,
    authenticator: Authenticator,
    /// Dropping it would stop an environment key from being current.
    _upstreams: Upstreams,
    /// Reads all keys again after SIGHUP. Dropping it would end that.
    _hangups: Hangups,
}

impl Gateway {
    /// Reads all keys, and fails if one of them is unusable. `wrap` gets the part of the
    /// application that needs a key, with authentication in it.
    pub(crate) async fn open(
        settings: Settings,
        log: EventLog,
        wrap: impl FnOnce(Router) -> Router,
    ) -> Result<Self, Error> {
        let Settings {
            admin_listen,
            limits,
            headers,
            end_after,
            server,
            upstreams,
            ..
        } = settings;
        let signals = Signals::listen()
            .map_err(|error| Error::start(format!("cannot listen for signals: {error}")))?;
        let (each, all) = limits.proxy.replay;
        let mut number = [0; 8];
        getrandom::fill(&mut number)
            .map_err(|error| Error::start(format!("cannot get random bytes: {error}")))?;
        let number = u64::from_ne_bytes(number);
        let via = Via::new(number);
        let shared = Shared {
            limits,
            headers,
            admission: Admission::new(limits.proxy.requests, limits.proxy.requests_per_client),
            replay: BudgetedReplay::new(each, all),
            via: via.clone(),
            reports: Arc::new(Reports::default()),
            log,
        };
        let opening = upstreams
            .into_iter()
            .map(async |upstream| OpenUpstream::open(upstream, &shared).await.map(Arc::new));
        let upstreams = Upstreams::new(try_join_all(opening).await?);
        let is_open = matches!(server.auth, AuthConfig::Open(_));
        let authenticator = Authenticator::open(server.auth, &limits, log).await?;
        let forward = upstreams.clone();
        let guarded = Router::new()
            .fallback(|request| forward.answer(request))
            .layer(authenticator.layer());
        let tls = match &server.tls {
            Some(files) => Some(Tls::open(files, limits.poll, log).await?),
            None => None,
        };
        let acceptor = tls.as_ref().map(Tls::acceptor).transpose()?;
        let others = authenticator.source().into_iter();
        let others = others.chain(tls.iter().flat_map(Tls::sources));
        let hangups = upstreams
            .iter()
            .map(|upstream| upstream.refresh())
            .chain(authenticator.refresh())
            .chain(tls.iter().flat_map(Tls::refresh));
        let hangups = Hangups::follow(hangups.collect())?;
        // Health routes need no key. CORS is outermost, so that refusals carry its headers, too.
        let health = health::routes(Health {
            upstreams: upstreams.iter().map(|upstream| upstream.health()).collect(),
            others: others.collect(),
        });
        let guarded = wrap(guarded);
        let guarded = match is_open {
            true => edge::only_local(guarded, cors::named(&server.cors).unwrap_or_default()),
            false => guarded,
        };
        let (admin, app) = match admin_listen {
            Some(address) => {
                let option = "--admin-listen (GATEWAY_ADMIN_LISTEN)";
                (Some((Listener::bind(address, option)?, health)), guarded)
            }
            None => (None, health.fallback_service(guarded)),
        };
        let app = match cors::layer(&server.cors) {
            Some(cors) => app.layer(cors),
            None => app,
        };
        Ok(Self {
            app: edge::check_heads(app, via, limits.server.fields, AccessLog::new(number)),
            end_after,
            tls: acceptor,
            admin,
            limits,
            signals,
            authenticator,
            _upstreams: upstreams,
            _hangups: hangups,
        })
    }

    pub(crate) fn url(&self, listener: &Listener) -> String {
        listener.url(self.tls.is_some())
    }

    /// Serves until a signal stops it, then lets open requests finish.
    pub(crate) async fn serve(self, listener: Listener) {
        let service = Service {
            app: self.app,
            tls: self.tls,
            admin: self.admin,
            limits: self.limits.server,
            drain: self.limits.drain,
            end_after: self.end_after,
        };
        listener.serve(service, self.signals).await;
        self.authenticator.close().await;
    }
}

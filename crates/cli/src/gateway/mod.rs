//! An OpenAI-compatible gateway. It authenticates clients and sends the upstream's key on every
//! request. Requests that are in flight while either key rotates do not notice.

mod access;
mod args;
mod auth;
mod config;
mod edge;
mod error_response;
mod events;
mod handler;
mod header_args;
mod health;
mod limits;
mod observe;
mod proxy;
mod runtime;
mod server;
mod switch;
mod units;
mod upstream;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tower_rotating_auth::audit::AuditLog;

pub(crate) use self::args::GatewayArgs;
pub(crate) use self::auth::{AuthConfig, ClientKeys, Guard, Mode, Policies};
pub(crate) use self::config::{
    ConfigError, Document, Limits, Loaded, Server, Settings, explain, load, schema,
};
pub(crate) use self::events::EventLog;
pub(crate) use self::handler::Handler;
pub(crate) use self::limits::LimitArgs;
use self::observe::AuditSettings;
pub(crate) use self::observe::Observers;
pub(crate) use self::proxy::address::base_url::{Base, Cleartext};
pub(crate) use self::proxy::headers::HeaderRules;
use self::runtime::{ConfigFile, Startup};
pub(crate) use self::runtime::{Gateway, try_keys};
pub(crate) use self::server::Listener;
pub(crate) use self::upstream::{KeyFrom, KeyHeader, Upstream};
use crate::error::Error;
use crate::{open_files, output};

/// How long the program waits at its end for the last lines of the audit file.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// Runs the gateway until a signal stops it.
pub(crate) async fn run(args: GatewayArgs) -> Result<(), Error> {
    let log = EventLog::Lines;
    // The subcommand is the first argument, since the program has no options of its own.
    let argv: Vec<_> = std::env::args_os().skip(2).collect();
    let path = args.config.clone().filter(|path| !path.is_empty());
    let (config, loaded) = match path {
        Some(path) => {
            let opened = ConfigFile::open(path.into(), argv, log).await;
            let format = match &opened {
                Ok((_, loaded)) => loaded.settings.log_format,
                Err(_) => args.log.log_format,
            };
            output::log::start(format)?;
            opened?
        }
        None => {
            output::log::start(args.log.log_format)?;
            let settings = Settings::from_args(args)?;
            let ignored = Vec::new();
            (ConfigFile::none(argv), Loaded { settings, ignored })
        }
    };
    let Loaded {
        mut settings,
        ignored,
    } = loaded;
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
    for variable in ignored {
        output::complain(format_args!(
            "{variable} is ignored: it is about the one upstream, and there are tables [[upstream]]"
        ));
    }
    let audit = settings.audit.as_ref().map(AuditSettings::open);
    let audit = audit.transpose()?;
    let ended = audit.as_ref().map(AuditLog::ended);
    let outcome = serve(settings, config, Observers::new(log, audit)).await;
    if let Some(ended) = ended {
        // It blocks its thread. Whoever still observes has had time until here.
        drop(spawn_blocking(move || ended.wait(LAST_EVENTS)).await);
    }
    outcome
}

/// Serves until a signal stops the gateway.
async fn serve(settings: Settings, config: ConfigFile, observers: Observers) -> Result<(), Error> {
    config.observe(&observers);
    let listener = Listener::bind(settings.listen, "--listen (GATEWAY_LISTEN)")?;
    let gateway = Gateway::new(&settings, Some(&config), observers, Box::new(|app| app)).await?;
    let startup = Startup::new(&settings, &gateway, &listener);
    let live = Arc::clone(gateway.live());
    if settings.limits.wait_for_key.is_zero() {
        live.start(settings).await?;
        startup.say(&live);
        return gateway.serve(listener, Some(config)).await;
    }
    output::say(format_args!("waiting for keys on {}", startup.url()));
    let mut serving = pin!(gateway.serve(listener, Some(config)));
    tokio::select! {
        started = live.start(settings) => started?,
        ended = &mut serving => return ended,
    }
    startup.say(&live);
    serving.await
}

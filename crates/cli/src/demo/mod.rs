//! A demonstration: a gateway in front of a small upstream that replaces its key every few seconds.

mod api;
mod chat;
mod journal;
mod key_writer;
mod upstream;

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{
    AuthErrorResponse, ErrorFormat, KeyRecord, KeySet, Scopes, TrustedProxies,
};
use tower_rotating_auth::keyring::NewKey;

use self::journal::Journal;
use self::upstream::DemoUpstream;
use crate::error::Error;
use crate::gateway::{
    AuthConfig, ClientKeys, EventLog, Gateway, Guard, Handler, HeaderRules, LimitArgs, Limits,
    Listener, Mode, Observers, Policies, Server, Settings,
};
use crate::output;
use crate::output::log::LogFormat;

/// Show what a rotation looks like, with an upstream of its own.
///
/// A small OpenAI-compatible upstream runs in this process and replaces its key every 4 s. The
/// gateway in front of it follows. It accepts one client key, which it makes at start and prints
/// once.
///
/// Each request gets a line that says which key it carried and whether it was replayed. Ctrl-C
/// prints the total.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Address to listen on. Port 0 picks a free port.
    #[arg(
        long,
        value_name = "ADDR",
        env = "GATEWAY_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
}

/// Variables of the gateway that the demo ignores.
const IGNORED: [&str; 5] = [
    "OPENAI_API_BASE_URL",
    "OPENAI_API_KEY_FILE",
    "OPENAI_API_KEY",
    "CLIENT_KEYS",
    "GATEWAY_MODE",
];

pub(crate) async fn run(args: DemoArgs) -> Result<(), Error> {
    let listener = Listener::bind(args.listen, "--listen (GATEWAY_LISTEN)")?;
    let journal = Journal::new();
    let upstream = DemoUpstream::start(journal.clone()).await?;
    let (key, keys) = client_key()?;
    let limits = LimitArgs::defaults()?;
    let settings = Settings {
        listen: args.listen,
        admin_listen: None,
        log_format: LogFormat::Text,
        limits: Limits {
            wait_for_key: Duration::ZERO,
            poll: Duration::from_secs(10),
            max_stale: limits.max_stale(),
            shutdown_delay: Duration::ZERO,
            drain: Duration::from_secs(25),
            server: limits.server(),
            proxy: limits.proxy(),
        },
        headers: HeaderRules::default(),
        audit: None,
        end_after: None,
        server: Server {
            tls: None,
            cors: Vec::new(),
            auth: guard(keys)?,
        },
        upstreams: vec![upstream.settings()],
    };
    let recorded = journal.clone();
    let wrap = move |app: Handler| {
        let journal = recorded.clone();
        Handler::new(move |request| Box::pin(record(journal.clone(), request, app.clone())))
    };
    // The journal has a line for each request; events would repeat it.
    let observers = Observers::new(EventLog::Off, None);
    let gateway = Gateway::new(&settings, None, observers, Box::new(wrap)).await?;
    gateway.live().start(settings).await?;

    for name in IGNORED {
        if std::env::var_os(name).is_some() {
            output::say(format_args!("the demo ignores {name}"));
        }
    }
    let url = gateway.url(&listener);
    let token = String::from_utf8_lossy(key.token().expose_secret());
    output::say(format_args!(
        "an upstream in this process replaces its key every {} s",
        key_writer::PERIOD.as_secs()
    ));
    output::say(format_args!("listening on {url}"));
    output::say(format_args!(
        "send a request, as often as you like (Ctrl-C prints the total):"
    ));
    output::say(format_args!(
        "curl -s {url}/v1/chat/completions -H 'Authorization: Bearer {token}' \
         -H 'Content-Type: application/json' \
         -d '{{\"model\":\"demo\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}'"
    ));
    gateway.serve(listener, None).await?;
    output::say(format_args!("{}", journal.total()));
    Ok(())
}

/// Makes the one client key, and a set that holds it alone.
fn client_key() -> Result<(NewKey, KeySet), Error> {
    let key = NewKey::generate().map_err(|error| cannot_start(&error))?;
    let client = "demo".parse().map_err(|error| cannot_start(&error))?;
    let record = KeyRecord::new(key.id().clone(), client, Scopes::default());
    let keys = KeySet::new([(key.digest(), record)]).map_err(|error| cannot_start(&error))?;
    Ok((key, keys))
}

fn guard(keys: KeySet) -> Result<AuthConfig, Error> {
    let error_response = AuthErrorResponse::new("demo").map_err(|error| cannot_start(&error))?;
    Ok(AuthConfig::Guarded(Box::new(Guard {
        mode: Mode::Production,
        keys: ClientKeys::Fixed(keys),
        policies: Policies::Fixed(RoutePolicy::new()),
        proxies: TrustedProxies::default(),
        secure_only: None,
        error_response: error_response.format(ErrorFormat::OpenAi),
    })))
}

fn cannot_start(why: &dyn Display) -> Error {
    Error::start(format!("cannot start the demo: {why}"))
}

/// Numbers a request for the upstream, and prints its line when the response head is there.
async fn record(journal: Journal, mut request: Request<Body>, app: Handler) -> Response {
    let open = journal.begin();
    request
        .headers_mut()
        .insert(api::REQUEST_ID, open.id().into());
    let response = app.answer(request).await;
    open.answered(response.status());
    response
}

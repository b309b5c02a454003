//! A gateway in front of a small upstream that replaces its key every few seconds.

mod api;
mod chat;
mod key_writer;
mod upstream;

use std::net::SocketAddr;
use std::time::Duration;

use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{AuthErrorResponse, ErrorFormat};

use self::upstream::{DemoUpstream, TRY};
use crate::error::Error;
use crate::gateway::{self, AuthConfig, Config, Front, Guard, KeysFrom, Listener, Pace};
use crate::output;

/// Show what a rotation looks like, with an upstream of its own.
///
/// A small OpenAI-compatible upstream runs in this process and replaces its key every few seconds. The
/// gateway in front of it follows, and takes one client key, which it makes at start and prints.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(
        long,
        value_name = "ADDR",
        env = "GATEWAY_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
}

/// Variables of the gateway that the demo replaces.
const IGNORED: [&str; 5] = [
    "OPENAI_API_BASE_URL",
    "OPENAI_API_KEY_FILE",
    "OPENAI_API_KEY",
    "CLIENT_KEYS",
    "GATEWAY_MODE",
];

pub(crate) async fn run(args: DemoArgs) -> Result<(), Error> {
    let listener = Listener::bind(args.listen).await?;
    let upstream = DemoUpstream::start().await?;
    output::say(format_args!(
        "demo: a small OpenAI-compatible upstream in this process replaces its key every {} s",
        key_writer::PERIOD.as_secs()
    ));
    for name in IGNORED {
        if std::env::var_os(name).is_some() {
            output::say(format_args!(
                "demo: {name} is not used, the demo brings its own"
            ));
        }
    }
    let refuser = AuthErrorResponse::new("demo")
        .map_err(|error| Error::start(format!("no demo: {error}")))?
        .format(ErrorFormat::OpenAi);
    let config = Config {
        listen: args.listen,
        pace: Pace {
            poll: Duration::from_secs(10),
            upstream: Duration::from_secs(60),
            drain: Duration::from_secs(25),
        },
        front: Front {
            tls: None,
            cors: Vec::new(),
            auth: AuthConfig::Guarded(Guard {
                keys: KeysFrom::New,
                policies: RoutePolicy::new(),
                refuser,
            }),
        },
        upstream: upstream.upstream(),
    };
    gateway::serve(listener, config, TRY).await
}

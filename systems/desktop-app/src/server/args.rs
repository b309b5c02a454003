//! The command line. No option takes a key.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tower_rotating_auth::inbound::{ClientId, Scopes};

/// A model server with an OpenAI-compatible API.
///
/// `MODEL_SERVER_KEY` is the key of the app that spawns it. `BACKEND_KEY` is the fixed key of a
/// --backend.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,

    /// Which requests need a key: `production`, all; `mixed`, all but GET /healthz and GET
    /// /v1/models; `development`, none, on a loopback address alone
    #[arg(long, value_enum, default_value_t = Mode::Production)]
    pub(crate) mode: Mode,

    /// Folder of the server's certificate (tls.pem), of the app's own (NAME.crt), of the key ring
    /// (ring.toml), of the key that each client reads (NAME.key), and of the audit (audit.jsonl)
    #[arg(long)]
    pub(crate) runtime: PathBuf,

    /// Name of the app that spawns the server. Its key has all roles, and is bound to its
    /// certificate
    #[arg(long, default_value = "app")]
    pub(crate) owner: ClientId,

    /// Another client, and its scopes: NAME=SCOPE,SCOPE. Repeatable
    #[arg(long)]
    pub(crate) client: Vec<Client>,

    /// Seconds after which each client gets another key. Defaults to 90 days
    #[arg(long, value_parser = desktop_app::seconds, default_value = "7776000")]
    pub(crate) rotate_every: Duration,

    /// Seconds that a replaced key stays valid. Defaults to a day
    #[arg(long, value_parser = desktop_app::seconds, default_value = "86400")]
    pub(crate) overlap: Duration,

    /// Serve plain http. Whoever can see the traffic then has the keys
    #[arg(long)]
    pub(crate) cleartext: bool,

    /// Base URL of another model server, which answers in place of this one
    #[arg(long)]
    pub(crate) backend: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    Production,
    Mixed,
    Development,
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) scopes: Scopes,
}

impl FromStr for Client {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, scopes) = text.split_once('=').ok_or("write NAME=SCOPE,SCOPE")?;
        Ok(Self {
            id: name.parse().map_err(|error| format!("{name}: {error}"))?,
            scopes: scopes
                .replace(',', " ")
                .parse()
                .map_err(|error| format!("{scopes}: {error}"))?,
        })
    }
}

//! The command line. No option takes a key.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// A desktop app that uses a model server over TLS, with a key and a certificate that rotate.
///
/// `APP_KEY` sets the key of the first instance. Without it, each start makes another one.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Folder for keys and certificates, which only this user can open
    #[arg(long)]
    pub(crate) runtime: PathBuf,

    /// Name of this instance. Its key is in NAME.key
    #[arg(long, default_value = "app")]
    pub(crate) name: String,

    /// Program of the model server, which this instance spawns. Without it, a server that another
    /// instance has spawned is used
    #[arg(long)]
    pub(crate) server: Option<PathBuf>,

    /// How many seconds to make calls
    #[arg(long, value_parser = desktop_app::seconds, default_value = "5")]
    pub(crate) seconds: Duration,

    /// Which calls to make
    #[arg(long, value_enum, default_value_t = Calls::Chat)]
    pub(crate) calls: Calls,

    /// Seconds after which the certificate is renewed. By default, only at the next start
    #[arg(long, value_parser = desktop_app::seconds)]
    pub(crate) renew_certificate: Option<Duration>,

    /// Talk to a server that speaks plain http
    #[arg(long)]
    pub(crate) allow_cleartext: bool,

    /// Options of the server, after `--`
    #[arg(last = true)]
    pub(crate) server_options: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Calls {
    /// Chats, streams and lists of models
    Chat,
    /// The same, and loads of models
    Manage,
    /// None
    Idle,
}

//! What can be said on the command line and in the environment, as it was said.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::auth::AuthArgs;
use super::cors::Origin;

/// Run an OpenAI-compatible gateway whose keys rotate without a restart.
///
/// The gateway authenticates clients by their own keys and sends the upstream's key on every request.
/// The upstream's key comes from a file that something else rewrites (a sidecar, a Kubernetes Secret, a
/// script), or from OPENAI_API_KEY, which cannot change while the gateway runs. Client keys come from a
/// file or from CLIENT_KEYS. No option takes a key itself, because other users can read a command line.
///
/// No credential of a client reaches the upstream.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Environment:
  OPENAI_API_KEY  The key itself, where there is no key file; both at once is an error
  CLIENT_KEYS     The text of a key file for clients, or a list of their keys, where there is no
                  --client-keys; both at once is an error

Served by the gateway itself, without a key:
  GET /healthz    200 as long as the process answers
  GET /readyz     200 when every key is usable, and how each is doing, as JSON

Examples:
  rotating-auth gateway --upstream https://api.openai.com/v1 --upstream-key-file /run/secrets/openai \\
      --client-keys /etc/gateway/clients.toml
  rotating-auth gateway --upstream https://api.anthropic.com --upstream-key-file key --upstream-header x-api-key \\
      --client-keys clients.toml --mode mixed --public GET:/v1/models
  OPENAI_API_KEY=... rotating-auth gateway --upstream https://api.openai.com/v1 --mode development

SIGTERM and SIGINT let open requests finish. Exit codes: 0 stopped, 1 could not start, 2 wrong options.")]
pub(crate) struct GatewayArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(
        long,
        value_name = "ADDR",
        env = "GATEWAY_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    pub(crate) listen: SocketAddr,

    #[command(flatten)]
    pub(crate) auth: AuthArgs,

    /// Speak TLS: the file with the certificate and those that lead up from it, in PEM. It is watched.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_TLS_CERT",
        hide_env_values = true
    )]
    pub(crate) tls_cert: Option<OsString>,

    /// The certificate's private key, in PEM. While the two do not belong together, the last pair that did
    /// stays.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_TLS_KEY",
        hide_env_values = true
    )]
    pub(crate) tls_key: Option<OsString>,

    /// Let pages of this origin call the gateway, with a key; `*` is any origin; repeatable.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) cors: Vec<Origin>,

    /// Where requests go. A base that ends in /v1 takes requests for /v1/... without doubling it.
    ///
    /// https, or http on this machine: a key does not cross a network in cleartext.
    #[arg(
        long,
        value_name = "URL",
        env = "OPENAI_API_BASE_URL",
        hide_env_values = true
    )]
    pub(crate) upstream: Option<String>,

    /// The file that holds the upstream's key and nothing else. It is watched, and read again when it
    /// changes; until it holds a usable key again, the last good one stays.
    #[arg(
        long,
        value_name = "PATH",
        env = "OPENAI_API_KEY_FILE",
        hide_env_values = true
    )]
    pub(crate) upstream_key_file: Option<OsString>,

    /// The header that carries the key: `authorization` as `Bearer KEY`, any other as the bare key.
    #[arg(
        long,
        value_name = "NAME",
        env = "GATEWAY_UPSTREAM_HEADER",
        default_value = "authorization",
        hide_env_values = true
    )]
    pub(crate) upstream_header: String,

    /// Go back to the key before a new one for so long, while the upstream does not take the new one: for keys that are
    /// not active at once. 0 where the upstream takes a new key before the file has it.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "GATEWAY_UPSTREAM_KEY_OVERLAP",
        default_value = "300",
        value_parser = seconds_or_none
    )]
    pub(crate) upstream_key_overlap: Duration,

    /// Read the key file at least so often, also when nothing says that it changed.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "GATEWAY_POLL_INTERVAL",
        default_value = "10",
        value_parser = seconds
    )]
    pub(crate) poll_interval: Duration,

    /// Give up on an upstream that sends nothing for so long: no answer yet, or a stream that stalls.
    /// A stream as such may last for ever.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "GATEWAY_UPSTREAM_TIMEOUT",
        default_value = "600",
        value_parser = seconds
    )]
    pub(crate) upstream_timeout: Duration,

    /// Let open requests finish for so long after SIGTERM.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "GATEWAY_DRAIN_TIMEOUT",
        default_value = "25",
        value_parser = seconds
    )]
    pub(crate) drain_timeout: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    seconds_in(0.05..=86_400.0, text)
}

fn seconds_or_none(text: &str) -> Result<Duration, String> {
    seconds_in(0.0..=86_400.0, text)
}

fn seconds_in(range: RangeInclusive<f64>, text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if range.contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!(
            "a number of seconds from {} to {} is needed",
            range.start(),
            range.end()
        )),
    }
}

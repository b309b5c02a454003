//! Options and environment variables of `gateway`, before they are checked against each other.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use super::auth::AuthArgs;
use super::edge::cors::Origin;
use super::header_args::HeaderArgs;
use super::limits::LimitArgs;
use super::observe::AuditArgs;
use super::server::tls::ClientCertificateArgs;
use super::units::{seconds, seconds_or_none};
use super::upstream::UpstreamArgs;
use crate::output::log::LogArgs;

/// Run an OpenAI-compatible gateway whose keys rotate without a restart.
///
/// The gateway authenticates clients by their own keys and sends the upstream's key on every
/// request. The upstream's key comes from a file that something else rewrites (a sidecar, a
/// Kubernetes Secret, a script), or from OPENAI_API_KEY, which cannot change while the gateway
/// runs. Client keys come from a file or from CLIENT_KEYS. No option takes a key itself, because
/// other users can read a command line.
///
/// The gateway drops headers and query parameters that carry credentials of clients, and reports
/// each name once. It does not look into bodies.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Environment:
  OPENAI_API_KEY  The upstream's key itself; an error together with --upstream-key-file
  CLIENT_KEYS     The content of a client key file, or a list of client keys; an error together
                  with --client-keys

Health endpoints, which need no key (see --admin-listen):
  GET /healthz    200 while the process is alive
  GET /readyz     200 when every key is usable; the body has the status of each as JSON
  GET /metrics    Metrics for Prometheus; on --admin-listen alone

Examples:
  rotating-auth gateway --upstream https://api.openai.com/v1 --upstream-key-file /run/secrets/openai \\
      --client-keys /etc/gateway/clients.toml
  rotating-auth gateway --upstream https://api.anthropic.com --upstream-key-file key --upstream-header x-api-key \\
      --client-keys clients.toml --mode mixed --public GET:/v1/models
  OPENAI_API_KEY=... rotating-auth gateway --upstream https://api.openai.com/v1 --mode development

SIGTERM and SIGINT let open requests finish. SIGHUP reads the configuration file, all keys
and all certificates again.
Exit codes: 0 stopped by a signal or by --development-for; 1 could not start; 2 invalid options.")]
pub(crate) struct GatewayArgs {
    /// Configuration file in TOML, whose fields are the options without the dashes: `max_requests =
    /// 100` is --max-requests 100.
    ///
    /// Options win over environment variables, and those over the file. Tables `[[upstream]]`
    /// configure several upstreams. `rotating-auth config --explain` lists all fields.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<OsString>,

    /// Address to listen on. Port 0 picks a free port.
    #[arg(
        long,
        value_name = "ADDR",
        env = "GATEWAY_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    pub(crate) listen: SocketAddr,

    /// Allow clients without TLS on an address that is not loopback, since TLS ends in front of the
    /// gateway.
    #[arg(long, env = "GATEWAY_ALLOW_CLEARTEXT")]
    pub(crate) allow_cleartext: bool,

    /// Address for the health endpoints and /metrics alone. They are then not served on --listen,
    /// and do not compete with requests.
    #[arg(long, value_name = "ADDR", env = "GATEWAY_ADMIN_LISTEN")]
    pub(crate) admin_listen: Option<SocketAddr>,

    #[command(flatten)]
    pub(crate) auth: AuthArgs,

    /// Certificate chain for TLS, a PEM file. The gateway watches it.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_TLS_CERT",
        hide_env_values = true
    )]
    pub(crate) tls_cert: Option<OsString>,

    /// Private key of the certificate, a PEM file. While the two files do not match, the gateway
    /// keeps the last pair that did.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_TLS_KEY",
        hide_env_values = true
    )]
    pub(crate) tls_key: Option<OsString>,

    #[command(flatten)]
    pub(crate) client_certificates: ClientCertificateArgs,

    /// Origin whose web pages may call the gateway, with a key. `*` allows any. Repeatable.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) cors: Vec<Origin>,

    #[command(flatten)]
    pub(crate) upstream: UpstreamArgs,

    /// How long to wait at start for keys that are not there yet, such as a file that a sidecar
    /// writes. /readyz says so meanwhile, and other requests get 503.
    #[arg(
        long,
        value_name = "DURATION",
        env = "GATEWAY_WAIT_FOR_KEY",
        default_value = "0",
        value_parser = seconds_or_none
    )]
    pub(crate) wait_for_key: Duration,

    /// How often to read the key files even if the system reports no change.
    #[arg(
        long,
        value_name = "DURATION",
        env = "GATEWAY_POLL_INTERVAL",
        default_value = "10",
        value_parser = seconds
    )]
    pub(crate) poll_interval: Duration,

    /// How long to serve on after SIGTERM or SIGINT while /readyz is 503, so that load balancers send
    /// their requests elsewhere before the gateway stops to listen.
    #[arg(
        long,
        value_name = "DURATION",
        env = "GATEWAY_SHUTDOWN_DELAY",
        default_value = "0",
        value_parser = seconds_or_none
    )]
    pub(crate) shutdown_delay: Duration,

    /// How long open requests may take to finish after that.
    #[arg(
        long,
        value_name = "DURATION",
        env = "GATEWAY_DRAIN_TIMEOUT",
        default_value = "25",
        value_parser = seconds
    )]
    pub(crate) drain_timeout: Duration,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) headers: HeaderArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

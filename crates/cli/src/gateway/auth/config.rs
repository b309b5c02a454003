//! Options for client authentication, checked against each other.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::Method;
use tower_rotating_auth::{
    inbound::policy::RoutePolicy,
    inbound::{
        AuthErrorResponse, ConfigError, DangerouslyOpen, KeySet, SecureOnly, TrustedProxies,
    },
    keyring::UseFile,
};

use super::authorization::{AuthorizationArgs, Exemptions, PolicyFile};
use super::challenge::ChallengeArgs;
use crate::error::Error;
use crate::gateway::units::duration;

/// Options and environment variables for client authentication.
#[derive(Debug, clap::Args)]
pub(crate) struct AuthArgs {
    /// Which requests need a key. Defaults to `production`.
    ///
    /// `production`: all of them. `mixed`: all but the --public and --optional routes.
    /// `development`: none. --listen must be a loopback address, and so must the host that a
    /// request names. Web pages of other sites are refused.
    #[arg(
        long,
        value_name = "MODE",
        env = "GATEWAY_MODE",
        hide_env_values = true
    )]
    mode: Option<Mode>,

    /// Switch to development mode for a while, such as 30m or 1h; then stop with exit code 0.
    ///
    /// Until then, client keys are not checked.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_DEVELOPMENT_FOR", value_parser = duration)]
    development_for: Option<Duration>,

    /// File with the keys of clients: a key file with digests, or a list of plain keys.
    ///
    /// The gateway watches it and follows changes. If the content becomes unusable, the last good
    /// key set stays current.
    #[arg(long, value_name = "PATH")]
    client_keys: Option<OsString>,

    /// Record the day of each key's last use in a file beside --client-keys (PATH.used).
    ///
    /// `rotating-auth key doctor` then reports unused keys. The gateway writes every ten minutes
    /// and when it stops, and needs write access to the folder.
    #[arg(long)]
    note_use: bool,

    /// Route that needs no key, in mixed mode. Repeatable.
    ///
    /// The path matches literally. GET includes HEAD.
    #[arg(long, value_name = "METHOD:PATH")]
    public: Vec<Route>,

    /// Route where a key is optional, in mixed mode. A wrong key is still refused. Repeatable.
    #[arg(long, value_name = "METHOD:PATH")]
    optional: Vec<Route>,

    #[command(flatten)]
    authorization: AuthorizationArgs,

    #[command(flatten)]
    challenge: ChallengeArgs,
}

/// The requests that need a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Development,
    Mixed,
    Production,
}

/// A method and a path.
#[derive(Clone, Debug)]
struct Route(Method, String);

/// The authentication of clients.
#[derive(Debug)]
pub(crate) enum AuthConfig {
    /// Clients need no key.
    Open(DangerouslyOpen),
    /// Clients need a key, except on routes with another policy.
    Guarded(Box<Guard>),
}

#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) mode: Mode,
    pub(crate) keys: ClientKeys,
    pub(crate) policies: Policies,
    pub(crate) proxies: TrustedProxies,
    /// The rule about keys that come without TLS.
    pub(crate) secure_only: Option<SecureOnly>,
    pub(crate) error_response: AuthErrorResponse,
}

/// The source of the policies of routes.
#[derive(Debug)]
pub(crate) enum Policies {
    Fixed(RoutePolicy),
    File(PolicyFile),
}

/// The source of the clients' keys.
#[derive(Debug)]
pub(crate) enum ClientKeys {
    File {
        path: PathBuf,
        /// Where to record their last use, if anywhere.
        uses: Option<UseFile>,
    },
    /// `CLIENT_KEYS`
    Environment,
    /// A set that does not change.
    Fixed(KeySet),
}

impl AuthArgs {
    pub(crate) const fn development_for(&self) -> Option<Duration> {
        self.development_for
    }

    /// Returns whether every key is refused if the gateway has no TLS itself.
    pub(crate) fn needs_tls(&self) -> bool {
        self.authorization.needs_tls()
    }
}

impl AuthConfig {
    /// Checks the options, and `CLIENT_KEYS` in the environment.
    pub(crate) fn decide(args: AuthArgs, listen: SocketAddr) -> Result<Self, Error> {
        let file = args.client_keys.clone().filter(|path| !path.is_empty());
        let set = std::env::var_os("CLIENT_KEYS").is_some_and(|keys| !keys.is_empty());
        if args.note_use && file.is_none() {
            return Err(usage(
                "--note-use records uses beside a file; pass --client-keys PATH, or leave it out",
            ));
        }
        let keys = match (file, set) {
            (Some(path), false) => {
                let path = PathBuf::from(path);
                let uses = args.note_use.then(|| UseFile::beside(&path));
                Some(ClientKeys::File { path, uses })
            }
            (None, true) => Some(ClientKeys::Environment),
            (None, false) => None,
            (Some(_), true) => {
                return Err(usage(
                    "two sets of client keys: --client-keys and CLIENT_KEYS are both set; unset one of \
                     them",
                ));
            }
        };
        if args.development_for.is_some() && args.mode.is_some_and(|mode| mode != Mode::Development)
        {
            return Err(usage(
                "two modes: --development-for, and another --mode (GATEWAY_MODE); leave out one of them",
            ));
        }
        match (args.mode, keys) {
            _ if args.development_for.is_some() => {
                Self::with(args, Mode::Development, listen, None)
            }
            (Some(Mode::Development), Some(_)) => Err(usage(
                "development mode uses no client keys; leave out --client-keys (CLIENT_KEYS), or pass \
                 --mode production (GATEWAY_MODE)",
            )),
            (mode, keys) => Self::with(args, mode.unwrap_or(Mode::Production), listen, keys),
        }
    }

    fn with(
        args: AuthArgs,
        mode: Mode,
        listen: SocketAddr,
        keys: Option<ClientKeys>,
    ) -> Result<Self, Error> {
        let exempt = !args.public.is_empty() || !args.optional.is_empty();
        if exempt && mode != Mode::Mixed {
            return Err(usage(
                "--public and --optional need mixed mode; pass --mode mixed (GATEWAY_MODE)",
            ));
        }
        let exemptions = match mode {
            Mode::Mixed => Exemptions::Allowed,
            Mode::Production | Mode::Development => Exemptions::Refused,
        };
        let file = args.authorization.policies(exemptions);
        if file.is_some() && mode == Mode::Development {
            return Err(usage(
                "--policies need client keys; pass --mode production or mixed (GATEWAY_MODE)",
            ));
        }
        if file.is_some() && exempt {
            return Err(usage(
                "two policies: --policies, and --public or --optional; list those routes in the file",
            ));
        }
        let error_response = args.challenge.error_response()?;
        if mode == Mode::Development {
            return match DangerouslyOpen::on_loopback(listen) {
                Ok(open) => Ok(Self::Open(open)),
                Err(error) => Err(Error::usage(format!(
                    "--mode development: {error}; pass --listen (GATEWAY_LISTEN)"
                ))),
            };
        }
        let keys = keys.ok_or_else(|| {
            usage(
                "no client keys; pass --client-keys PATH or set CLIENT_KEYS, or pass --mode development \
                 (GATEWAY_MODE) to need no keys on a loopback address",
            )
        })?;
        Ok(Self::Guarded(Box::new(Guard {
            mode,
            keys,
            policies: match file {
                Some(file) => Policies::File(file),
                None => Policies::Fixed(policies(args.public, args.optional)?),
            },
            proxies: args.authorization.trusted_proxies(),
            secure_only: args.authorization.secure_only(),
            error_response,
        })))
    }
}

impl AuthConfig {
    /// Returns which requests need a key.
    pub(crate) const fn mode(&self) -> &'static str {
        match self {
            Self::Open(_) => {
                "development; clients need no key, every program of this machine is served"
            }
            Self::Guarded(guard) => match guard.mode {
                Mode::Mixed => "mixed; clients need a key, except on some routes",
                Mode::Development | Mode::Production => "production; clients need a key",
            },
        }
    }
}

impl fmt::Display for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("CLIENT_KEYS"),
            Self::Fixed(_) => f.write_str("a fixed set"),
        }
    }
}

fn policies(public: Vec<Route>, optional: Vec<Route>) -> Result<RoutePolicy, Error> {
    let opened = |all: RoutePolicy| -> Result<RoutePolicy, ConfigError> {
        let all = public
            .into_iter()
            .try_fold(all, |all, Route(method, path)| all.public(method, &path))?;
        optional
            .into_iter()
            .try_fold(all, |all, Route(method, path)| all.optional(method, &path))
    };
    opened(RoutePolicy::new())
        .map_err(|error| Error::usage(format!("--public or --optional: {error}")))
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(mode: &str) -> Result<Self, Self::Err> {
        match mode {
            "development" => Ok(Self::Development),
            "mixed" => Ok(Self::Mixed),
            "production" => Ok(Self::Production),
            _ => Err("must be production, mixed or development"),
        }
    }
}

impl FromStr for Route {
    type Err = &'static str;

    fn from_str(route: &str) -> Result<Self, Self::Err> {
        let (method, path) = route.split_once(':').unwrap_or_default();
        match method.parse() {
            // Methods are case-sensitive, and no client sends `get`.
            Ok(known) if !method.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                Ok(Self(known, path.to_owned()))
            }
            _ => Err("must be a method and a path, such as GET:/v1/models"),
        }
    }
}

fn usage(message: &str) -> Error {
    Error::usage(message)
}

//! Who may come in: what was said of it, judged together.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use http::Method;
use tower_rotating_auth::{
    inbound::policy::RoutePolicy,
    inbound::{AuthErrorResponse, ConfigError, DangerouslyOpen, ErrorFormat, KeySet},
    keyring::UseFile,
};

use crate::error::Error;

/// What can be said of it on the command line and in the environment.
#[derive(Debug, clap::Args)]
pub(crate) struct AuthArgs {
    /// `production`: every request needs a key. `mixed`: all but those of --public and --optional do.
    /// `development`: nobody looks at keys, and --listen is a loopback address.
    #[arg(
        long,
        value_name = "MODE",
        env = "GATEWAY_MODE",
        default_value = "production",
        hide_env_values = true
    )]
    mode: Mode,

    /// The file with the keys that clients may present: a key file with their digests, or a list of the
    /// keys themselves. It is watched; a set that cannot be used leaves the last good one in force.
    #[arg(long, value_name = "PATH")]
    client_keys: Option<OsString>,

    /// Note in a file beside --client-keys (PATH.used) on which day each key was used last, every ten minutes and when
    /// the gateway stops; `rotating-auth key doctor` tells then which are not. The gateway's user has to be able to write in the folder.
    #[arg(long, requires = "client_keys")]
    note_use: bool,

    /// Opens a route to everybody, in mixed mode; repeatable. The path is taken literally, and GET is for
    /// HEAD, too.
    #[arg(long, value_name = "METHOD:PATH")]
    public: Vec<Route>,

    /// Opens a route to clients without a key, and to none with a wrong one, in mixed mode; repeatable.
    #[arg(long, value_name = "METHOD:PATH")]
    optional: Vec<Route>,

    /// What the keys protect, as refused clients are told.
    #[arg(
        long,
        value_name = "NAME",
        env = "GATEWAY_REALM",
        default_value = "gateway",
        hide_env_values = true
    )]
    realm: String,
}

/// Who needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Development,
    Mixed,
    Production,
}

/// A method and a path.
#[derive(Clone, Debug)]
struct Route(Method, String);

/// How the door is to be.
#[derive(Debug)]
pub(crate) enum AuthConfig {
    /// Nobody looks at keys.
    Open(DangerouslyOpen),
    /// Everybody needs a key, but where the policies say otherwise.
    Guarded(Guard),
}

#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) keys: ClientKeys,
    pub(crate) policies: RoutePolicy,
    pub(crate) refuser: AuthErrorResponse,
}

/// Where the clients' keys come from.
#[derive(Debug)]
pub(crate) enum ClientKeys {
    File {
        path: PathBuf,
        /// Where it is noted when they were used, if it is.
        uses: Option<UseFile>,
    },
    /// `CLIENT_KEYS`
    Environment,
    /// A set that does not change.
    Fixed(KeySet),
}

impl AuthConfig {
    /// What was said, of a gateway that has its keys from outside.
    pub(crate) fn decide(args: AuthArgs, listen: SocketAddr) -> Result<Self, Error> {
        let file = args.client_keys.clone().filter(|path| !path.is_empty());
        let set = std::env::var_os("CLIENT_KEYS").is_some_and(|keys| !keys.is_empty());
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
        match (args.mode, keys) {
            (Mode::Development, Some(_)) => Err(usage(
                "in development mode nobody looks at keys: leave --client-keys (CLIENT_KEYS) out, or say \
                 --mode production (GATEWAY_MODE)",
            )),
            (_, keys) => Self::with(args, listen, keys),
        }
    }

    fn with(args: AuthArgs, listen: SocketAddr, keys: Option<ClientKeys>) -> Result<Self, Error> {
        let exempt = !args.public.is_empty() || !args.optional.is_empty();
        if exempt && args.mode != Mode::Mixed {
            return Err(usage(
                "--public and --optional open routes in mixed mode: say --mode mixed (GATEWAY_MODE)",
            ));
        }
        let refuser = AuthErrorResponse::new(&args.realm)
            .map_err(|error| Error::usage(format!("--realm: {error}")))?
            .format(ErrorFormat::OpenAi);
        if args.mode == Mode::Development {
            return match DangerouslyOpen::on_loopback(listen) {
                Ok(open) => Ok(Self::Open(open)),
                Err(error) => Err(Error::usage(format!(
                    "--mode development: {error} (--listen or GATEWAY_LISTEN says where else)"
                ))),
            };
        }
        let keys = keys.ok_or_else(|| {
            usage(
                "no keys for clients: say --client-keys PATH or set CLIENT_KEYS; or --mode development \
                 (GATEWAY_MODE), on a loopback address, to let everybody in",
            )
        })?;
        Ok(Self::Guarded(Guard {
            keys,
            policies: policies(args.public, args.optional)?,
            refuser,
        }))
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
            _ => Err("one of production, mixed and development is needed"),
        }
    }
}

impl FromStr for Route {
    type Err = &'static str;

    fn from_str(route: &str) -> Result<Self, Self::Err> {
        let (method, path) = route.split_once(':').unwrap_or_default();
        match method.parse() {
            // Methods are told apart by case, and no client sends `get`.
            Ok(known) if !method.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                Ok(Self(known, path.to_owned()))
            }
            _ => Err("a method and a path are needed, such as GET:/v1/models"),
        }
    }
}

fn usage(message: &str) -> Error {
    Error::usage(message)
}

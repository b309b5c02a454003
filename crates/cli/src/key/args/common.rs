//! Options that several commands share, and how they are parsed.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use tower_rotating_auth::{
    ParseErrorKind,
    inbound::{CertificateDigest, ClientId, Networks, Role, Scope, Scopes},
    keyring::ParsedToken,
};

use crate::key::duration::Life;

#[derive(Debug, clap::Args)]
pub(crate) struct File {
    /// The key file.
    #[arg(
        long = "file",
        value_name = "PATH",
        env = "ROTATING_AUTH_KEY_FILE",
        hide_env_values = true
    )]
    pub(crate) path: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct KeyOptions {
    /// Client that the key belongs to. The name stays when its keys rotate.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: ClientId,

    /// Scopes of the key: `a,b`, or repeated. Defaults to all scopes of the client.
    ///
    /// A new client gets the same scopes.
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    pub(crate) scope: Vec<Scope>,

    /// Roles of the key: `a,b`, or repeated. Defaults to all roles of the client.
    #[arg(long, value_name = "ROLES", value_delimiter = ',')]
    pub(crate) role: Vec<Role>,

    /// Network that the key is accepted from, such as 10.0.0.0/8. Repeatable. Defaults to all.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(crate) network: Vec<Networks>,

    /// SHA-256 of the TLS client certificate that the key is bound to, in base64url or hexadecimal.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) certificate: Option<CertificateDigest>,

    /// Lifetime of the key, such as 90d or 12h, or `never`.
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    pub(crate) expires: Life,
}

/// Parses a name. Refuses a key, because names are printed and stored.
pub(super) fn name<T>(text: &str) -> Result<T, String>
where
    T: FromStr<Err: Display>,
{
    match ParsedToken::parse(text.as_bytes()) {
        Err(error) if error.kind() == ParseErrorKind::Token => {
            text.parse().map_err(|error: T::Err| error.to_string())
        }
        _ => Err(
            "this is a key, not a name; revoke it, because other users can read a command line"
                .into(),
        ),
    }
}

/// The value `-`: read from standard input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dash;

impl FromStr for Dash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "-" => Ok(Self),
            _ => Err(
                "must be `-`, with the key on standard input; if you typed a key here, revoke it, because \
                 other users can read a command line",
            ),
        }
    }
}

/// Returns the given scopes, or `None` if there are none.
pub(crate) fn named(scopes: &[Scope]) -> Option<Scopes> {
    (!scopes.is_empty()).then(|| scopes.iter().cloned().collect())
}

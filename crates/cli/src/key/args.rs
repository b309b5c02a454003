//! Options of the `key` commands.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Subcommand;
use tower_rotating_auth::{
    ParseErrorKind,
    inbound::{ClientId, KeyId, Scope, Scopes},
    keyring::{ParsedToken, Prefix},
};

use super::duration::{Grace, Length, Life};

/// Manage the API keys of clients in a key file.
///
/// The file holds digests, never keys. A gateway that reads it (`--client-keys keys.toml`) follows
/// each change within a moment. Several people and programs may change it at the same time.
///
/// A new key is printed once, alone on standard output; messages go to standard error. Commands
/// that need a key read it from standard input. No option takes one, because other users can read a
/// command line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rotating-auth key issue --file keys.toml --client open-webui --scope chat:write >open-webui.key
  rotating-auth key list --file keys.toml
  rotating-auth key rotate --file keys.toml --client open-webui --grace 1h >new.key && mv new.key open-webui.key
  rotating-auth key verify --file keys.toml <open-webui.key
  rotating-auth key revoke --file keys.toml --client open-webui
  rotating-auth key doctor --file keys.toml || echo somebody should look

`rotating-auth key COMMAND --help` describes each command.

Exit codes:
  0  done
  1  the answer is no: the key is not valid, the change is not allowed, or doctor found something
  2  invalid options
  3  failed: a file, standard input or standard output could not be read or written
After 1 and 2, the file is unchanged. After 3, the message says what happened: a new key that could
not be printed is in the file.")]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Issue(Issue),
    List(List),
    Rotate(Rotate),
    Revoke(Revoke),
    Import(Import),
    Client(Client),
    Purge(Purge),
    Verify(Verify),
    Doctor(Doctor),
}

/// Issue a key for a client and print it.
///
/// Creates the file and the client if they do not exist.
#[derive(Debug, clap::Args)]
pub(crate) struct Issue {
    #[command(flatten)]
    pub(crate) file: File,

    #[command(flatten)]
    pub(crate) terms: Terms,

    /// Prefix of the key: a word, or a word and an environment such as `acme_live`. May start with
    /// `sk-`.
    #[arg(long, value_name = "PREFIX", default_value = "trk")]
    pub(crate) prefix: Prefix,
}

/// List all keys with their clients, states and expiry.
///
/// Shows the day of the last use if a gateway records it (`--note-use`), a few minutes late. Nobody
/// can list the keys themselves: the file holds only digests.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) file: File,

    /// Print JSON: an array with an object for each key.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Replace a client's key by a new one and print it.
///
/// The old key stays valid for a grace period, or is revoked at once. A client has at most two live
/// keys: a rotation during a grace period ends the older key early, and says so ("also ended").
#[derive(Debug, clap::Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    pub(crate) file: File,

    #[command(flatten)]
    pub(crate) old: Old,

    #[command(flatten)]
    pub(crate) fate: Fate,

    /// Lifetime of the new key. Defaults to the lifetime of the old one.
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires: Option<Length>,

    /// Prefix of the new key.
    #[arg(long, value_name = "PREFIX", default_value = "trk")]
    pub(crate) prefix: Prefix,
}

/// The key to replace.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Old {
    /// Client whose key to replace. If it has several current keys, use --key.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: Option<ClientId>,

    /// Id of the key to replace.
    #[arg(long, value_name = "ID", value_parser = name::<KeyId>)]
    pub(crate) key: Option<KeyId>,
}

/// What happens to the old key.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Fate {
    /// How long the old key stays valid, such as 1h or 2d. At most 7d, and never beyond its own
    /// expiry.
    #[arg(long, value_name = "DURATION")]
    pub(crate) grace: Option<Grace>,

    /// The key has leaked: revoke it at once, with each key that it replaced or that replaced it.
    #[arg(long)]
    pub(crate) compromised: bool,
}

/// Revoke a key, or all keys of a client, for good.
#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = false, args = ["client", "key", "token"])]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) file: File,

    /// Id of the key to revoke.
    #[arg(long, value_name = "ID", value_parser = name::<KeyId>)]
    pub(crate) key: Option<KeyId>,

    /// Client whose keys to revoke.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: Option<ClientId>,

    /// Revoke the key on standard input, for example from a report of a leak.
    #[arg(long, value_name = "-")]
    pub(crate) token: Option<Dash>,
}

/// Import a key that a client already has, from standard input.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) file: File,

    #[command(flatten)]
    pub(crate) terms: Terms,

    /// Id for the key. Defaults to a random one.
    #[arg(long, value_name = "ID", value_parser = name::<KeyId>)]
    pub(crate) id: Option<KeyId>,

    /// Read a digest instead of a key: `sha256:` and 64 hexadecimal digits. The strength of the key
    /// is then unknown.
    #[arg(long)]
    pub(crate) digest: bool,
}

/// Change the scopes of a client, or enable or disable it.
#[derive(Debug, clap::Args)]
#[group(id = "what", required = true, multiple = true, args = ["scope", "disable", "enable"])]
pub(crate) struct Client {
    #[command(flatten)]
    pub(crate) file: File,

    /// Client to change.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: ClientId,

    /// New scopes of the client, which replace the old ones. Repeatable, one scope each time.
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<Scope>,

    /// Refuse its keys until it is enabled.
    #[arg(long, conflicts_with = "enable")]
    pub(crate) disable: bool,

    /// Accept its keys again.
    #[arg(long)]
    pub(crate) enable: bool,
}

/// Remove keys that expired long ago, to keep the file short.
///
/// A revoked key stays until then, and one without an expiry stays for good: somebody who restores
/// an older copy of the file would make it valid again. A key that was imported and revoked stays
/// for good, so that nobody imports it again.
#[derive(Debug, clap::Args)]
pub(crate) struct Purge {
    #[command(flatten)]
    pub(crate) file: File,

    /// How long to keep a key after the expiry that it was issued with.
    ///
    /// Choose longer than you keep copies of the file. A service with its own key ring on the file
    /// restores what it keeps for longer, by default 30 days.
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    pub(crate) after: Length,
}

/// Check whether the key on standard input is valid, and whose it is.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) file: File,

    /// Print JSON: an object with the key, or with the reason why it is not valid.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Report what needs an operator.
///
/// Finds keys that expire soon without a successor, keys that are too old, keys that were imported
/// as a digest, unused keys, clients without a key, a file that others can read or replace, and a
/// folder that you cannot write to.
///
/// A gateway with `--note-use` records the day of each use beside the key file (`keys.toml.used`).
/// With that file, a live key that nobody used in its first week is a finding, and so are a key
/// that was used and then abandoned (`--unused-for`), and an unreadable file. Without it, doctor
/// reports no unused keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) file: File,

    /// Report a key whose last use is longer ago than this.
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    pub(crate) unused_for: Length,

    /// Print JSON: an array with an object for each finding.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct File {
    /// The key file.
    #[arg(long = "file", value_name = "PATH")]
    pub(crate) path: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Terms {
    /// Client that the key belongs to. The name stays when its keys rotate.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: ClientId,

    /// Scope of the key. Repeatable, one scope each time. Defaults to all scopes of the client.
    ///
    /// A new client gets the same scopes.
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<Scope>,

    /// Lifetime of the key, such as 90d or 12h, or `never`.
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    pub(crate) expires: Life,
}

/// Parses a name. Refuses a key, because names are printed and stored.
fn name<T>(text: &str) -> Result<T, String>
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
pub(crate) fn named(scopes: Vec<Scope>) -> Option<Scopes> {
    (!scopes.is_empty()).then(|| scopes.into_iter().collect())
}

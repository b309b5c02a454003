//! Options of the `key` commands.

pub(super) mod common;

use clap::Subcommand;
use tower_rotating_auth::inbound::{ClientId, KeyId, Scope};
use tower_rotating_auth::keyring::Prefix;

use self::common::{Dash, File, KeyOptions, name};
use super::duration::Grace;
use super::format::Style;
use super::leaked::Leaked;
use super::new_key::Out;
use super::ring::AuditArgs;
use crate::duration::Length;

/// Manage the API keys of clients in a key file.
///
/// The file holds digests, never keys. A gateway that reads it (`--client-keys keys.toml`) follows
/// each change within a moment. Several people and programs may change it at the same time.
///
/// A new key is printed once, alone on standard output, or written to a new file (`--out`).
/// Messages go to standard error. Commands that need a key read it from standard input. No option
/// takes one, because other users can read a command line.
///
/// Durations have units: 90d, 12h, 30m, 10s, or several of them (1d 12h).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rotating-auth key issue --file keys.toml --client open-webui --scope chat:write --out open-webui.key
  rotating-auth key list --file keys.toml
  rotating-auth key rotate --file keys.toml --client open-webui --grace 1h --out new.key && mv new.key open-webui.key
  rotating-auth key verify --file keys.toml <open-webui.key
  rotating-auth key revoke --file keys.toml --client open-webui
  rotating-auth key leaked --file keys.toml <report.json
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
    Leaked(Leaked),
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
    pub(crate) options: KeyOptions,

    #[command(flatten)]
    pub(crate) out: Out,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) style: Style,

    /// Prefix of the key: a word, or a word and an environment such as `acme_live`. May start with
    /// `sk-`.
    #[arg(long, value_name = "PREFIX", default_value = "trk")]
    pub(crate) prefix: Prefix,
}

/// List all keys with their clients, states and expiry.
///
/// Shows the day of the last use if a gateway records it (`--note-use`), a few minutes late. Nobody
/// can list the keys themselves: the file holds only digests. `--json` prints an array.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) file: File,

    #[command(flatten)]
    pub(crate) style: Style,
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

    #[command(flatten)]
    pub(crate) out: Out,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) style: Style,

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

/// The end of the old key.
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

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) style: Style,

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
    pub(crate) options: KeyOptions,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) style: Style,

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

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) style: Style,

    /// Client to change.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: ClientId,

    /// New scopes of the client, which replace the old ones: `a,b`, or repeated.
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
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

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) style: Style,

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

    #[command(flatten)]
    pub(crate) style: Style,
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

    #[command(flatten)]
    pub(crate) style: Style,
}

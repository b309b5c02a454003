//! What can be said on the command line, as it was said.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Subcommand;
use tower_rotating_auth::{
    inbound::{ClientId, KeyId, Scope, Scopes},
    keyring::{ParsedToken, Prefix, TokenErrorKind},
};

use super::duration::{Grace, Length, Life};

/// Keys of clients in a file: issues them, rotates them, revokes them.
///
/// The file holds digests, never keys. A gateway that was told of it (`--client-keys keys.toml`) takes each change over
/// within a moment; several people and programs may change it at a time.
///
/// A new key is shown once, on standard output, alone; everything else is on standard error. A key that the program is
/// to look at is read from standard input. There is no option for a key: a command line is readable by others.
#[derive(Debug, clap::Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  rotating-auth key issue --file keys.toml --client open-webui --scope chat:write >open-webui.key
  rotating-auth key list --file keys.toml
  rotating-auth key rotate --file keys.toml --client open-webui --grace 1h >new.key && mv new.key open-webui.key
  rotating-auth key verify --file keys.toml <open-webui.key
  rotating-auth key revoke --file keys.toml --client open-webui
  rotating-auth key doctor --file keys.toml || echo somebody should look

`rotating-auth key COMMAND --help` tells more of each.

Exit codes: 0 done; 1 no: not valid, not allowed, or the doctor found something; 2 wrong options; 3 it could not be
done. Nothing has changed after 1 and 2. After 3, the file or the message tells: a new key whose output failed is in
the file, and so may be a change that was not written in time."
)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key for a client; the file and the client are made where they are missing.
    Issue(Issue),
    List(List),
    Rotate(Rotate),
    /// Revoke a key, or all keys of a client, for good.
    Revoke(Revoke),
    /// Take in a key that a client has already, from standard input.
    Import(Import),
    /// Change what a client may do, or whether its keys are accepted at present.
    Client(Client),
    /// Forget keys that ended by themselves long ago.
    Purge(Purge),
    /// Tell whether the key on standard input is valid, and whose it is.
    Verify(Verify),
    /// Look for what needs an operator.
    Doctor(Doctor),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Issue {
    #[command(flatten)]
    pub(crate) file: File,

    #[command(flatten)]
    pub(crate) terms: Terms,

    /// What the key begins with: a word, or a word and an environment, as `acme_live`; `sk-` may stand before it.
    #[arg(long, value_name = "PREFIX", default_value = "trk")]
    pub(crate) prefix: Prefix,
}

/// Show all keys: whose they are, how they stand, until when. Not the keys themselves: nobody has those.
///
/// On which day a key was used last is known where a gateway notes it (`--note-use`), some minutes later.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) file: File,

    /// As JSON: an array with an object for each key.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Replace a client's key by a new one. The old one stays valid for a while, or is revoked at once.
///
/// A client has two live keys at most: where it is rotated again while an older key is in its grace, that one ends at once,
/// before its time, which is told ("ended with it").
#[derive(Debug, clap::Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    pub(crate) file: File,

    #[command(flatten)]
    pub(crate) old: Old,

    #[command(flatten)]
    pub(crate) fate: Fate,

    /// For how long the new key is valid; as long as the old one was made for unless told.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) expires: Option<Length>,

    /// What the new key begins with.
    #[arg(long, value_name = "PREFIX", default_value = "trk")]
    pub(crate) prefix: Prefix,
}

/// Which key is replaced.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Old {
    /// Whose key. It has one that is not replaced yet; where it has several, --key says which.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: Option<ClientId>,

    /// Which key, by its name.
    #[arg(long, value_name = "ID", value_parser = name::<KeyId>)]
    pub(crate) key: Option<KeyId>,
}

/// What becomes of it.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Fate {
    /// The old key stays valid for so long, and never longer than it would have: 1h, 2d; at most 7d.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) grace: Option<Grace>,

    /// The key has leaked: it is revoked at once, and with it each key that it replaced or that replaced it.
    #[arg(long)]
    pub(crate) compromised: bool,
}

#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = false, args = ["client", "key", "token"])]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) file: File,

    /// The key of this name.
    #[arg(long, value_name = "ID", value_parser = name::<KeyId>)]
    pub(crate) key: Option<KeyId>,

    /// Each key of this client.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: Option<ClientId>,

    /// The key itself, from standard input, as a report of a leak has it.
    #[arg(long, value_name = "-")]
    pub(crate) token: Option<Dash>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) file: File,

    #[command(flatten)]
    pub(crate) terms: Terms,

    /// The name that the key is to have; one is drawn unless told.
    #[arg(long, value_name = "ID", value_parser = name::<KeyId>)]
    pub(crate) id: Option<KeyId>,

    /// Standard input has the digest of the key, as `sha256:` and 64 hexadecimal digits, and not the key. How strong
    /// it is cannot be told then.
    #[arg(long)]
    pub(crate) digest: bool,
}

#[derive(Debug, clap::Args)]
#[group(id = "what", required = true, multiple = true, args = ["scope", "disable", "enable"])]
pub(crate) struct Client {
    #[command(flatten)]
    pub(crate) file: File,

    /// Which client.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: ClientId,

    /// What it may do from now on, all of it; repeatable, one scope each time: a comma is a part of it.
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<Scope>,

    /// Refuse its keys until it is enabled again.
    #[arg(long, conflicts_with = "enable")]
    pub(crate) disable: bool,

    /// Accept its keys again.
    #[arg(long)]
    pub(crate) enable: bool,
}

/// Forget keys that ended by themselves long ago, so that the file and the list stay short.
///
/// A key that was revoked is kept until then, too, and one that was made without an end for good: an older copy of the file
/// that somebody puts back could make it valid again. One that was imported and revoked is kept for good: it could be imported
/// again.
#[derive(Debug, clap::Args)]
pub(crate) struct Purge {
    #[command(flatten)]
    pub(crate) file: File,

    /// How long after its end (`--expires`, when it was made) a key is forgotten: longer than any copy of the file is kept. A
    /// service with a ring of its own on the file puts back what it keeps for longer: 30d unless it was told.
    #[arg(long, value_name = "LENGTH", default_value = "30d")]
    pub(crate) after: Length,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) file: File,

    /// As JSON: an object with the key, or with the reason why it is not valid.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Look for what needs an operator: keys that end soon and have no successor, keys that are too old, keys that were
/// imported by their digest, keys that nobody uses, clients without a key, a file that others may read.
///
/// Which keys are used is known to who serves requests. A gateway that was told to (`--note-use`) notes the day in a file
/// beside the key file (`keys.toml.used`). Where there is none, nothing is said of it; where there is, a live key that was not used
/// for a week since it was made, or since uses are noted, is a finding, and so is that the file cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) file: File,

    /// As JSON: an array with an object for each finding.
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
    /// Whose key it is: a name that stays, whatever keys the client has.
    #[arg(long, value_name = "NAME", value_parser = name::<ClientId>)]
    pub(crate) client: ClientId,

    /// What the key may do; repeatable, one scope each time: a comma is a part of it. A new client may do as much; of one that is there already, the key may do all
    /// that the client may unless told.
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<Scope>,

    /// For how long it is valid, as 90d or 12h; `never` if it does not expire.
    #[arg(long, value_name = "LENGTH", default_value = "90d")]
    pub(crate) expires: Life,
}

/// A name, and no key: what is given here is said again, and written down.
fn name<T>(text: &str) -> Result<T, String>
where
    T: FromStr<Err: Display>,
{
    match ParsedToken::parse(text.as_bytes()) {
        Err(error) if error.kind() == TokenErrorKind::OtherFormat => {
            text.parse().map_err(|error: T::Err| error.to_string())
        }
        _ => Err(
            "this is a key, and no name. A key does not belong on a command line, which others can read: this one should be \
             revoked"
                .into(),
        ),
    }
}

/// `-`: what is meant is on standard input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dash;

impl FromStr for Dash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "-" => Ok(Self),
            _ => Err(
                "a key does not belong on a command line, which others can read; say `--token -`, and give it on \
                 standard input. One that was typed here should be revoked",
            ),
        }
    }
}

/// The scopes that were named, if any were.
pub(crate) fn named(scopes: Vec<Scope>) -> Option<Scopes> {
    (!scopes.is_empty()).then(|| scopes.into_iter().collect())
}

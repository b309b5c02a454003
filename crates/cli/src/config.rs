//! `rotating-auth config`: explains and checks configuration files.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::gateway::{ConfigError, Document, Loaded, explain, load, schema, try_keys};
use crate::output;

/// Explain and check the configuration file of the gateway.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rotating-auth config --explain > rotating-auth.toml
  rotating-auth config --check rotating-auth.toml && rotating-auth gateway --config rotating-auth.toml
  rotating-auth config --check rotating-auth.toml --read-keys

Exit codes: 0 valid; 1 the file, a key or a certificate cannot be read; 2 the file is invalid, or
contradicts a variable.")]
#[command(group(clap::ArgGroup::new("action").required(true).args(["explain", "check", "schema"])))]
#[group(skip)]
pub(crate) struct ConfigArgs {
    /// Print every field with its help and its default, as a file that sets nothing.
    #[arg(long)]
    explain: bool,

    /// Check a file, and print what the gateway would run. Reads no key, unless --read-keys asks for
    /// that.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,

    /// With --check, read all keys and certificates that the file names, as the gateway does at its
    /// start. This runs the commands and asks the endpoints that keys come from.
    #[arg(long, requires = "check")]
    read_keys: bool,

    /// Print the JSON schema of the file, for editors.
    #[arg(long)]
    schema: bool,
}

/// The keys in a check.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Read,
    Unread,
}

impl Keys {
    const fn of(args: &ConfigArgs) -> Self {
        match args.read_keys {
            true => Self::Read,
            false => Self::Unread,
        }
    }
}

pub(crate) async fn run(args: &ConfigArgs) -> Result<(), Error> {
    match &args.check {
        Some(file) => check(file, Keys::of(args)).await,
        None if args.schema => output::print(format_args!("{:#}", schema())),
        None => output::print(explain().trim_end()),
    }
}

async fn check(file: &Path, keys: Keys) -> Result<(), Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::start(format!("cannot read {}: {error}", file.display())))?;
    let in_file = |error: ConfigError| error.in_file(file);
    let document = Document::parse(&text).map_err(in_file)?;
    let Loaded { settings, ignored } = load(&document, &[]).map_err(in_file)?;
    for line in settings.summary() {
        output::print(line)?;
    }
    if keys == Keys::Read {
        for line in try_keys(settings).await? {
            output::print(line)?;
        }
    }
    for variable in ignored {
        output::print(format_args!("ignored: {variable}"))?;
    }
    output::print(format_args!("{}: valid", file.display()))
}

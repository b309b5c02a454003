//! `rotating-auth config`: what a configuration file may contain, and whether one is valid.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::gateway::{ConfigError, Document, Loaded, explain, load, schema};
use crate::output;

/// Explain and check the configuration file of the gateway.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rotating-auth config --explain > rotating-auth.toml
  rotating-auth config --check rotating-auth.toml && rotating-auth gateway --config rotating-auth.toml

Exit codes: 0 valid; 1 the file cannot be read; 2 the file is invalid, or contradicts a variable.")]
#[group(required = true, multiple = false)]
pub(crate) struct ConfigArgs {
    /// Print every field with its help and its default, as a file that sets nothing.
    #[arg(long)]
    explain: bool,

    /// Check a file, and print what the gateway would run. Reads no key.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,

    /// Print the JSON schema of the file, for editors.
    #[arg(long)]
    schema: bool,
}

pub(crate) fn run(args: &ConfigArgs) -> Result<(), Error> {
    match &args.check {
        Some(file) => check(file),
        None if args.schema => output::print(format_args!("{:#}", schema())),
        None => output::print(explain().trim_end()),
    }
}

fn check(file: &Path) -> Result<(), Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::start(format!("cannot read {}: {error}", file.display())))?;
    let in_file = |error: ConfigError| error.in_file(file);
    let document = Document::parse(&text).map_err(in_file)?;
    let Loaded { settings, ignored } = load(&document, &[]).map_err(in_file)?;
    for line in settings.summary() {
        output::print(line)?;
    }
    for variable in ignored {
        output::print(format_args!("ignored: {variable}"))?;
    }
    output::print(format_args!("{}: valid", file.display()))
}

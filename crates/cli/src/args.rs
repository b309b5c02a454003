//! The command line.

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::ConfigArgs;
use crate::demo::DemoArgs;
use crate::error::Error;
use crate::gateway::GatewayArgs;
use crate::healthcheck::HealthcheckArgs;
use crate::key::KeyArgs;
use crate::manual::{CompletionArgs, ManArgs};
use crate::{output, usage};

/// API keys that rotate while everything keeps running.
#[derive(Debug, Parser)]
#[command(
    name = "rotating-auth",
    version,
    disable_help_subcommand = true,
    after_help = "\
Start here:
  rotating-auth demo

`rotating-auth COMMAND --help` describes each command."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Config(ConfigArgs),
    Demo(DemoArgs),
    Gateway(Box<GatewayArgs>),
    Healthcheck(HealthcheckArgs),
    Key(KeyArgs),
    Completions(CompletionArgs),
    Man(ManArgs),
}

impl Args {
    /// Parses the command line. Returns `None` if it asked for help or the version, which is
    /// printed.
    pub(crate) fn read() -> Result<Option<Self>, Error> {
        match Self::try_parse() {
            Ok(args) => Ok(Some(args)),
            Err(shown)
                if matches!(
                    shown.kind(),
                    ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
                ) =>
            {
                output::print(shown.to_string().trim_end()).map(|()| None)
            }
            Err(error) => Err(Error::usage(usage::message(&error))),
        }
    }
}

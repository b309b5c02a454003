//! API keys that rotate: a demo, a gateway whose keys are replaced while it runs, and the commands
//! that issue, rotate and revoke the keys of clients.

mod args;
mod config;
mod demo;
mod duration;
mod error;
mod gateway;
mod hangups;
mod healthcheck;
mod key;
mod manual;
mod open_files;
mod output;
mod usage;

use std::process::ExitCode;

use clap::CommandFactory as _;

use self::args::{Args, Command};
use self::error::Error;

/// It takes 132 instructions for an allocation and its release where glibc takes 225, and returns
/// no memory to the system between two requests. A request of the gateway has 34 allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let code = match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::fail(&error);
            error.exit_code()
        }
    };
    output::flush();
    code
}

async fn run() -> Result<(), Error> {
    let Some(args) = Args::read()? else {
        return Ok(()); // help or the version was asked for, and printed
    };
    match args.command {
        Command::Config(args) => config::run(&args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Gateway(args) => gateway::run(*args).await,
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Key(args) => key::run(args).await,
        Command::Completions(args) => manual::completions(&args, Args::command()),
        Command::Man(args) => manual::man(args, Args::command()),
    }
}

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

use std::io;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::CommandFactory as _;
use tokio::runtime::{Builder, Runtime};

use self::args::{Args, Command};
use self::error::Error;

/// It takes 132 instructions for an allocation and its release where glibc takes 225, and returns
/// no memory to the system between two requests. A request of the gateway has 34 allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match runtime() {
        Ok(runtime) => runtime.block_on(finish()),
        Err(error) => {
            output::fail(&Error::start(format!("cannot start threads: {error}")));
            ExitCode::FAILURE
        }
    }
}

/// Creates the runtime. With one core, another thread would only take turns with this one. What is
/// more, a runtime of one thread runs tasks in the order in which they were woken: it reads all
/// requests that have arrived, and then writes to the upstreams, which wakes each of them once.
fn runtime() -> io::Result<Runtime> {
    let mut builder = match available_parallelism() {
        Ok(cores) if cores.get() == 1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

async fn finish() -> ExitCode {
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

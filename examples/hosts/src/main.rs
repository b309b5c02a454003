//! Runs one client library after the other with a key that rotates twice under load. No call may
//! fail.
//!
//! The files in [`hosts`] are the examples. [`harness`] has the server and the load.

mod harness;
mod hosts;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use self::harness::{Failed, Tally};
use self::hosts::{HOSTS, Host};

/// A trial that takes longer counts as hanging.
const LONGEST: Duration = Duration::from_secs(30);

/// Rotates the key of each client library twice under load, and prints one line per library.
///
/// `ok NAME VERSION calls=N rotations=N`: every call was answered, and the server saw N new keys.
/// `fail NAME VERSION WHY`: a call was lost, or the trial hung; the exit code is 1.
#[derive(Parser)]
struct Args {
    /// The libraries to run. Defaults to all of them.
    #[arg(value_parser = PossibleValuesParser::new(HOSTS.iter().map(|host| host.name)))]
    hosts: Vec<String>,
}

fn main() -> std::io::Result<ExitCode> {
    let Args { hosts } = Args::parse();
    let runtime = Runtime::new()?;
    let exit = runtime.block_on(try_all(&hosts));
    runtime.shutdown_background(); // does not wait for a trial that hangs
    Ok(exit)
}

async fn try_all(named: &[String]) -> ExitCode {
    let mut exit = ExitCode::SUCCESS;
    for host in HOSTS {
        if !named.is_empty() && !named.iter().any(|name| name == host.name) {
            continue;
        }
        let (name, version) = (host.name, host.version());
        match try_one(host).await {
            Ok(tally) => println!("ok {name} {version} {tally}"),
            Err(why) => {
                println!("fail {name} {version} {why}");
                exit = ExitCode::FAILURE;
            }
        }
    }
    exit
}

async fn try_one(host: &Host) -> Result<Tally, Failed> {
    let trial = tokio::spawn((host.trial)());
    match timeout(LONGEST, trial).await {
        Ok(ended) => ended?,
        Err(_) => Err(format!("timed out after {} s", LONGEST.as_secs()).into()),
    }
}

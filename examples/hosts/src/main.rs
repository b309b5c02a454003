//! One client library after the other, with a key that rotates twice under load. No call may fail.
//!
//! The files in [`hosts`] are the examples; [`harness`] is what they are tried with.

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

/// A trial that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(30);

/// Rotates the key of each client library twice under load, and prints a line for each.
///
/// `ok NAME VERSION calls=N rotations=N` says that N calls were answered, none was lost, and that the server
/// has seen so many new keys; `fail NAME VERSION WHY` says otherwise, and so does the exit code.
#[derive(Parser)]
struct Args {
    /// All of them, unless some are named.
    #[arg(value_parser = PossibleValuesParser::new(HOSTS.iter().map(|host| host.name)))]
    hosts: Vec<String>,
}

fn main() -> std::io::Result<ExitCode> {
    let Args { hosts } = Args::parse();
    let runtime = Runtime::new()?;
    let exit = runtime.block_on(try_all(&hosts));
    runtime.shutdown_background(); // whatever hangs is not waited for
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
        Err(_) => Err(format!("it hangs: {} s", LONGEST.as_secs()).into()),
    }
}

//! Keys of clients in a file: issued, rotated and revoked from a terminal or a script.
//!
//! `cargo run --example keyctl -- --help` tells the rest; `docs/keyctl.md` shows a first day with it.

mod args;
mod change;
mod doctor;
mod failure;
mod input;
#[path = "../shared/line.rs"]
mod line;
mod show;
mod span;
mod text;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use tower_rotating_auth::keyring::{FileStore, KeyRing, KeyRingBuilder};

use self::args::{Args, Command};
use self::failure::Failure;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let failure = match run().await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(failure) => failure,
    };
    tell(format_args!("error: {failure}"));
    failure.code()
}

async fn run() -> Result<(), Failure> {
    let Some(args) = Args::read()? else {
        return Ok(()); // help was asked for, and has been given
    };
    match args.command {
        Command::Issue(issue) => change::issue(issue).await,
        Command::List(list) => show::list(&list).await,
        Command::Rotate(rotate) => change::rotate(rotate).await,
        Command::Revoke(revoke) => change::revoke(revoke).await,
        Command::Import(import) => change::import(import).await,
        Command::Client(client) => change::client(client).await,
        Command::Purge(purge) => change::purge(purge).await,
        Command::Verify(verify) => show::verify(&verify).await,
        Command::Doctor(doctor) => doctor::doctor(&doctor).await,
    }
}

/// The ring on this file, which need not be there.
async fn open(file: &Path, ring: KeyRingBuilder) -> Result<KeyRing, Failure> {
    Ok(ring.start(FileStore::new(file)).await?)
}

/// The ring on a file that is there.
async fn open_existing(file: &Path, ring: KeyRingBuilder) -> Result<KeyRing, Failure> {
    let is_there = file.try_exists().map_err(|error| {
        Failure::Failed(format!(
            "whether {file:?} exists cannot be told: {error}; may this user enter its folder?"
        ))
    })?;
    if !is_there {
        return Err(Failure::Failed(format!(
            "{file:?} does not exist; is the path right? `keyctl issue` makes a new one"
        )));
    }
    open(file, ring).await
}

/// What was asked for, on standard output.
fn print(text: impl fmt::Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::Failed(format!("standard output cannot be written: {error}")))
}

/// A line for people, on standard error. Nobody reading it is no reason to stop.
fn tell(line: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

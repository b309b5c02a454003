//! Commands for the keys of clients in a key file, from a terminal or a script.
//!
//! `docs/key-commands.md` walks through them.

mod args;
mod change;
mod doctor;
mod duration;
mod format;
mod leaked;
mod new_key;
mod ring;
mod scopes;
mod show;
mod stdin;

use self::args::Command;
pub(crate) use self::args::KeyArgs;
use crate::error::Error;

pub(crate) async fn run(args: KeyArgs) -> Result<(), Error> {
    match args.command {
        Command::Issue(issue) => change::issue(issue).await,
        Command::List(list) => show::list(&list).await,
        Command::Rotate(rotate) => change::rotate(rotate).await,
        Command::Revoke(revoke) => change::revoke(revoke).await,
        Command::Import(import) => change::import(import).await,
        Command::Client(client) => change::client(client).await,
        Command::Purge(purge) => change::purge(purge).await,
        Command::Verify(verify) => show::verify(&verify).await,
        Command::Leaked(leaked) => leaked::leaked(leaked).await,
        Command::Doctor(doctor) => doctor::doctor(&doctor).await,
    }
}

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
use self::ring::audited;
use crate::error::Error;

pub(crate) async fn run(args: KeyArgs) -> Result<(), Error> {
    match args.command {
        Command::Issue(issue) => {
            audited(issue.audit.clone(), |audit| change::issue(issue, audit)).await
        }
        Command::List(list) => show::list(&list).await,
        Command::Rotate(rotate) => {
            audited(rotate.audit.clone(), |audit| change::rotate(rotate, audit)).await
        }
        Command::Revoke(revoke) => {
            audited(revoke.audit.clone(), |audit| change::revoke(revoke, audit)).await
        }
        Command::Import(import) => {
            audited(import.audit.clone(), |audit| change::import(import, audit)).await
        }
        Command::Client(client) => {
            audited(client.audit.clone(), |audit| change::client(client, audit)).await
        }
        Command::Purge(purge) => {
            audited(purge.audit.clone(), |audit| change::purge(purge, audit)).await
        }
        Command::Verify(verify) => show::verify(&verify).await,
        Command::Leaked(leaked) => {
            audited(leaked.audit.clone(), |audit| leaked::leaked(leaked, audit)).await
        }
        Command::Doctor(doctor) => doctor::doctor(&doctor).await,
    }
}

//! Keys on standard input, since other users can read a command line.

use std::io::{self, IsTerminal, Read};

use tower_rotating_auth::Secret;

use crate::error::Error;
use crate::output::complain;

/// Limit in bytes. No key is longer.
const LONGEST: u64 = 64 * 1024;

/// Reads all of standard input, without surrounding white space.
pub(crate) fn secret(what: &str) -> Result<Secret, Error> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        complain(format_args!("paste {what}, then Enter and Ctrl-D:"));
    }
    let mut read = Vec::new();
    stdin
        .take(LONGEST + 1)
        .read_to_end(&mut read)
        .map_err(|error| Error::failed(format!("cannot read standard input: {error}")))?;
    let read = Secret::new(read);
    let trimmed = read.expose_secret().trim_ascii();
    if trimmed.is_empty() {
        return Err(Error::usage(format!(
            "standard input is empty; pipe {what} into it"
        )));
    }
    if trimmed.len() as u64 > LONGEST {
        return Err(Error::usage(format!(
            "standard input is too long for {what}"
        )));
    }
    Ok(Secret::new(trimmed.to_vec()))
}

//! Keys on standard input: a command line is readable by others.

use std::io::{self, IsTerminal, Read};

use tower_rotating_auth::Secret;

use crate::error::Error;
use crate::output::complain;

/// No key is longer.
const LONGEST: u64 = 64 * 1024;

/// All of standard input, without white space around it.
pub(crate) fn secret(what: &str) -> Result<Secret, Error> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        complain(format_args!("paste {what}, then Enter and Ctrl-D:"));
    }
    let mut read = Vec::new();
    stdin
        .take(LONGEST + 1)
        .read_to_end(&mut read)
        .map_err(|error| Error::failed(format!("standard input cannot be read: {error}")))?;
    let read = Secret::new(read);
    let trimmed = read.expose_secret().trim_ascii();
    if trimmed.is_empty() {
        return Err(Error::usage(format!(
            "standard input is empty: {what} is read from there"
        )));
    }
    if trimmed.len() as u64 > LONGEST {
        return Err(Error::usage(format!(
            "standard input is longer than {what}"
        )));
    }
    Ok(Secret::new(trimmed.to_vec()))
}

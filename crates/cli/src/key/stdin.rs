//! Keys on standard input, since other users can read a command line.

use std::io::{self, IsTerminal, Read};

use tower_rotating_auth::Secret;

use crate::error::Error;
use crate::output::complain;

/// Limit in bytes. No key is longer.
const LONGEST: u64 = 64 * 1024;

/// Reads all of standard input, without surrounding white space.
pub(super) fn secret(what: &str) -> Result<Secret, Error> {
    let read = Secret::new(bytes(what, LONGEST)?);
    Ok(Secret::new(read.expose_secret().trim_ascii().to_vec()))
}

/// Reads all of standard input, to the byte. Fails if there is nothing but white space, or more
/// than `longest` bytes.
pub(super) fn bytes(what: &str, longest: u64) -> Result<Vec<u8>, Error> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        complain(format_args!("paste {what}, then Enter and Ctrl-D:"));
    }
    let mut read = Vec::new();
    stdin
        .take(longest + 1)
        .read_to_end(&mut read)
        .map_err(|error| Error::failed(format!("cannot read standard input: {error}")))?;
    if read.trim_ascii().is_empty() {
        return Err(Error::usage(format!(
            "standard input is empty; pipe {what} into it"
        )));
    }
    if read.len() as u64 > longest {
        return Err(Error::usage(format!(
            "standard input is too long for {what}"
        )));
    }
    Ok(read)
}

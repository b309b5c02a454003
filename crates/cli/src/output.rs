//! Standard output and standard error.

use std::fmt;
use std::io::{self, Write};

use crate::error::Error;

/// Writes a result to standard output. Fails if nobody can read it.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::failed(format!("cannot write to standard output: {error}")))
}

/// Writes a log line to standard output. A closed output does not stop the program.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}

/// Writes a line to standard error. A closed output does not stop the program.
pub(crate) fn complain(line: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

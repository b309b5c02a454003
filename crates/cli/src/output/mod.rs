//! Standard output and standard error.

mod format;
pub(crate) mod log;
mod queue;
mod repeats;

use std::fmt;
use std::io::{self, Write as _};
use std::time::Duration;

use self::format::{Level, LogFormat, unfiltered};
use self::queue::{STDERR, STDOUT};
use crate::error::Error;

/// How long the program waits at its end for somebody to read its last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Writes a result to standard output. Fails if nobody can read it.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::failed(format!("cannot write to standard output: {error}")))
}

/// Writes a line to the log, or to standard output if there is none. A closed output does not stop
/// the program, and one that nobody reads does not hold it up.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    match log::format() {
        Some(_) => log::write_news(Level::Info, &line.to_string()),
        None => STDOUT.push(line.to_string()),
    }
}

/// Does the same for a line that counts even if it repeats another, such as one about a reload.
pub(crate) fn announce(line: fmt::Arguments<'_>) {
    match log::format() {
        Some(_) => log::write(Level::Info, &line.to_string()),
        None => STDOUT.push(line.to_string()),
    }
}

/// Writes a warning to the log, or to standard error if there is none, in the same way.
pub(crate) fn complain(line: fmt::Arguments<'_>) {
    match log::format() {
        Some(_) => log::write_news(Level::Warn, &line.to_string()),
        None => STDERR.push(line.to_string()),
    }
}

/// Writes why the program ends to standard error.
pub(crate) fn fail(error: &Error) {
    STDERR.push(match log::format() {
        Some(LogFormat::Json) => unfiltered(LogFormat::Json, Level::Error, &error.to_string()),
        Some(LogFormat::Text) | None => format!("error: {error}"),
    });
}

/// Returns how many lines were dropped because nobody read those before.
pub(crate) fn dropped_lines() -> u64 {
    STDOUT.dropped() + STDERR.dropped()
}

/// Waits until the lines are written, if somebody reads them.
pub(crate) fn flush() {
    log::flush();
    STDOUT.flush(LAST_LINES);
    STDERR.flush(LAST_LINES);
}

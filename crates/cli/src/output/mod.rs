//! Standard output and standard error.

mod queue;

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use self::queue::Queue;
use crate::error::Error;

/// How long the program waits at its end for somebody to read its last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

static STDOUT: Queue = Queue::new(|| Box::new(io::stdout()));
static STDERR: Queue = Queue::new(|| Box::new(io::stderr()));

/// Writes a result to standard output. Fails if nobody can read it.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::failed(format!("cannot write to standard output: {error}")))
}

/// Writes a log line to standard output. A closed output does not stop the program, and one that
/// nobody reads does not hold it up.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    STDOUT.push(line.to_string());
}

/// Writes a line to standard error, in the same way.
pub(crate) fn complain(line: fmt::Arguments<'_>) {
    STDERR.push(line.to_string());
}

/// Returns how many lines were dropped because nobody read those before.
pub(crate) fn dropped_lines() -> u64 {
    STDOUT.dropped() + STDERR.dropped()
}

/// Waits until the lines are written, if somebody reads them.
pub(crate) fn flush() {
    STDOUT.flush(LAST_LINES);
    STDERR.flush(LAST_LINES);
}

/// Standard error, for events of the library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Complaints;

impl Write for Complaints {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        complain(format_args!(
            "{}",
            String::from_utf8_lossy(event).trim_end()
        ));
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

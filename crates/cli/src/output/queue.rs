//! Lines that wait for their writer. Whoever has a line never waits for whoever reads it.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use super::format::{Level, format, unfiltered};

/// Limit of lines that wait.
const LINES: usize = 4096;
/// Limit of bytes that wait.
const BYTES: usize = 1024 * 1024;

/// How long lines wait for others, so that a busy server does not write each by itself.
const GATHER: Duration = Duration::from_millis(5);

pub(super) static STDOUT: Queue = Queue::new(|| Box::new(io::stdout()), mention);
pub(super) static STDERR: Queue = Queue::new(|| Box::new(io::stderr()), mention);

/// A bounded queue of lines, and the thread that writes them.
pub(super) struct Queue {
    open: fn() -> Box<dyn Write>,
    /// Formats the line about dropped lines.
    mention: fn(u64) -> String,
    writer: Once,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    text: String,
    lines: usize,
    is_writing: bool,
    /// Lines that were dropped, and those of them that no line in the output has mentioned.
    dropped: u64,
    unmentioned: u64,
}

impl Queue {
    pub(super) const fn new(open: fn() -> Box<dyn Write>, mention: fn(u64) -> String) -> Self {
        Self {
            open,
            mention,
            writer: Once::new(),
            state: Mutex::new(State {
                text: String::new(),
                lines: 0,
                is_writing: false,
                dropped: 0,
                unmentioned: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Queues a line, or counts it as dropped if too many wait.
    pub(super) fn push(&'static self, line: String) {
        self.writer.call_once(|| {
            // Without a thread there is nothing to write the lines, and no line to say so.
            drop(
                thread::Builder::new()
                    .name("log".to_owned())
                    .spawn(|| self.write()),
            );
        });
        self.lock().push(&line);
        drop(line);
        self.changed.notify_all();
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Waits for at most `patience` until all lines are written.
    pub(super) fn flush(&self, patience: Duration) {
        let is_busy = |state: &mut State| state.is_writing || state.lines > 0;
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), patience, is_busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes lines as they come. Ignores errors, since a closed output stops no program.
    fn write(&self) {
        let mut output = (self.open)();
        loop {
            let is_idle = |state: &mut State| state.lines == 0;
            drop(self.changed.wait_while(self.lock(), is_idle));
            thread::sleep(GATHER);
            let (mut text, dropped) = self.lock().take();
            if dropped > 0 {
                text.push_str(&(self.mention)(dropped));
                text.push('\n');
            }
            drop(
                output
                    .write_all(text.as_bytes())
                    .and_then(|()| output.flush()),
            );
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, line: &str) {
        if self.lines >= LINES || self.text.len() + line.len() > BYTES {
            self.dropped += 1;
            self.unmentioned += 1;
            return;
        }
        self.text.push_str(line);
        self.text.push('\n');
        self.lines += 1;
    }

    /// Takes all lines, and the number of those that were dropped after them.
    fn take(&mut self) -> (String, u64) {
        let text = std::mem::take(&mut self.text);
        let dropped = std::mem::take(&mut self.unmentioned);
        self.lines = 0;
        self.is_writing = true;
        (text, dropped)
    }
}

fn mention(dropped: u64) -> String {
    let line = format!("dropped {dropped} log lines, because nobody read those before");
    match format() {
        Some(format) => unfiltered(format, Level::Warn, &line),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_limit_are_counted() {
        let queue = Queue::new(|| Box::new(Vec::new()), |dropped| dropped.to_string());
        let mut state = queue.lock();
        for n in 0..LINES + 3 {
            state.push(&n.to_string());
        }
        let (text, dropped) = state.take();
        assert_eq!((text.lines().count(), dropped), (LINES, 3));
        state.push("after");
        assert_eq!(state.take(), ("after\n".to_owned(), 0));
        assert_eq!(state.dropped, 3);
    }

    #[test]
    fn bytes_are_limited_too() {
        let queue = Queue::new(|| Box::new(Vec::new()), |dropped| dropped.to_string());
        let mut state = queue.lock();
        let long = "a".repeat(BYTES / 2);
        for _ in 0..3 {
            state.push(&long);
        }
        assert!(state.text.len() <= BYTES);
        assert!(state.dropped > 0);
    }
}

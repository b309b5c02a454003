//! Lines that repeat, such as one for each request while an upstream is down.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How long a line is only counted after it was written.
const WINDOW: Duration = Duration::from_secs(10);
/// Limit of lines to count. Others are written each time.
const LINES: usize = 256;

/// The lines of the last moments, and how often each was repeated.
#[derive(Debug, Default)]
pub(super) struct Repeats(Option<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    since: Instant,
    repeated: u64,
}

impl Repeats {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// Returns whether to write a line now. Otherwise it is counted.
    pub(super) fn is_news(&mut self, line: &str, now: Instant) -> bool {
        let lines = self.0.get_or_insert_default();
        if let Some(entry) = lines.get_mut(line) {
            entry.repeated += 1;
            return false;
        }
        if lines.len() < LINES {
            let entry = Entry {
                since: now,
                repeated: 0,
            };
            lines.insert(line.to_owned(), entry);
        }
        true
    }

    /// Forgets the lines of before the window, and returns those that were repeated.
    pub(super) fn due(&mut self, now: Instant) -> Vec<String> {
        self.take(|entry| now.duration_since(entry.since) >= WINDOW)
    }

    /// Forgets all lines, and returns those that were repeated.
    pub(super) fn rest(&mut self) -> Vec<String> {
        self.take(|_| true)
    }

    fn take(&mut self, is_due: impl Fn(&Entry) -> bool) -> Vec<String> {
        let Some(lines) = &mut self.0 else {
            return Vec::new();
        };
        let mut summaries = Vec::new();
        lines.retain(|line, entry| {
            let due = is_due(entry);
            if due && entry.repeated > 0 {
                summaries.push(format!("{} times more: {line}", entry.repeated));
            }
            !due
        });
        summaries.sort();
        summaries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_line_is_written_once_and_counted() {
        let start = Instant::now();
        let mut repeats = Repeats::new();
        assert!(repeats.is_news("down", start));
        assert!(repeats.is_news("other", start));
        for _ in 0..5 {
            assert!(!repeats.is_news("down", start));
        }
        assert_eq!(repeats.due(start + WINDOW / 2), [""; 0]);
        assert_eq!(repeats.due(start + WINDOW), ["5 times more: down"]);
        assert!(repeats.is_news("down", start + WINDOW));
    }

    #[test]
    fn lines_beyond_the_limit_are_written() {
        let now = Instant::now();
        let mut repeats = Repeats::new();
        for n in 0..LINES {
            assert!(repeats.is_news(&n.to_string(), now));
        }
        assert!(repeats.is_news("more", now) && repeats.is_news("more", now));
        assert!(!repeats.is_news("0", now));
        assert_eq!(repeats.rest(), ["1 times more: 0"]);
    }
}

//! Lines that repeat, such as one for each request while an upstream is down.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::format::Level;

/// How long a line is only counted after it was written.
const WINDOW: Duration = Duration::from_secs(10);
/// Limit of lines to count. Others are written each time.
const LINES: usize = 256;

/// The lines of the last moments, and how often each was repeated.
#[derive(Debug, Default)]
pub(super) struct Repeats(Option<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    level: Level,
    since: Instant,
    repeated: u64,
}

impl Repeats {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// Returns whether to write a line now. Otherwise it is counted.
    pub(super) fn is_news(&mut self, level: Level, line: &str, now: Instant) -> bool {
        let lines = self.0.get_or_insert_default();
        if let Some(entry) = lines.get_mut(line) {
            entry.repeated += 1;
            return false;
        }
        if lines.len() < LINES {
            let entry = Entry {
                level,
                since: now,
                repeated: 0,
            };
            lines.insert(line.to_owned(), entry);
        }
        true
    }

    /// Forgets the lines of before the window, and returns those that were repeated, each with its
    /// level.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Level, String)> {
        self.take(|entry| now.duration_since(entry.since) >= WINDOW)
    }

    /// Forgets all lines, and returns those that were repeated.
    pub(super) fn rest(&mut self) -> Vec<(Level, String)> {
        self.take(|_| true)
    }

    fn take(&mut self, is_due: impl Fn(&Entry) -> bool) -> Vec<(Level, String)> {
        let Some(lines) = &mut self.0 else {
            return Vec::new();
        };
        let mut summaries = Vec::new();
        lines.retain(|line, entry| {
            let due = is_due(entry);
            if due && entry.repeated > 0 {
                let summary = format!("{} times more: {line}", entry.repeated);
                summaries.push((entry.level, summary));
            }
            !due
        });
        summaries.sort_by(|(_, one), (_, other)| one.cmp(other));
        summaries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_line_is_counted_at_its_level() {
        let start = Instant::now();
        let mut repeats = Repeats::new();
        for (level, line) in [(Level::Warn, "down"), (Level::Info, "replayed")] {
            assert!(repeats.is_news(level, line, start));
            for _ in 0..5 {
                assert!(!repeats.is_news(level, line, start));
            }
        }
        assert!(repeats.is_news(Level::Warn, "other", start));
        assert_eq!(repeats.due(start + WINDOW / 2), []);
        let due = repeats.due(start + WINDOW);
        let due: Vec<_> = due.iter().map(|(level, line)| (*level, &**line)).collect();
        let wanted = [
            (Level::Warn, "5 times more: down"),
            (Level::Info, "5 times more: replayed"),
        ];
        assert_eq!(due, wanted);
        assert!(repeats.is_news(Level::Warn, "down", start + WINDOW));
    }

    #[test]
    fn lines_beyond_the_limit_are_written() {
        let now = Instant::now();
        let mut repeats = Repeats::new();
        let mut is_news = |line: &str| repeats.is_news(Level::Info, line, now);
        for n in 0..LINES {
            assert!(is_news(&n.to_string()));
        }
        assert!(is_news("more") && is_news("more"));
        assert!(!is_news("0"));
        assert_eq!(
            repeats.rest(),
            [(Level::Info, "1 times more: 0".to_owned())]
        );
    }
}

//! What the watch has seen since the file was last read.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// A program that keeps the file open counts as done after this long without an event.
///
/// Longer than the pauses of a slow writer: `tests/files/torn.rs` has writers that pause for up to
/// 500 ms.
const QUIET: Duration = Duration::from_millis(600);

/// What the last events say about whoever writes the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    all(not(test), not(all(unix, not(portable_only)))),
    expect(dead_code, reason = "only the watch on Unix records events")
)]
pub(crate) enum Writer {
    /// Nothing is known.
    #[default]
    Unknown,
    /// The file was created or written, and not closed since.
    Writing,
    /// A program that could write the file has closed it.
    Closed,
    /// A file or a link was renamed to one of the watched names.
    Renamed,
}

/// A position in the sequence of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// The events of a watch, counted.
#[derive(Default)]
pub(crate) struct Changes {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Clone, Copy, Default)]
struct State {
    last: Mark,
    writer: Writer,
    /// The last event that said something about the writer.
    written: Mark,
}

impl Changes {
    /// Records an event, and what it says about the writer.
    #[cfg_attr(
        all(not(test), not(all(unix, not(portable_only)))),
        expect(dead_code, reason = "only the watch on Unix records events")
    )]
    pub(crate) fn record(&self, writer: Option<Writer>) {
        {
            let mut state = self.state();
            state.last.0 += 1;
            if let Some(writer) = writer {
                state.writer = writer;
                state.written = state.last;
            }
        }
        self.arrived.notify_one();
    }

    /// Forgets the writer: other folders are watched from now on.
    #[cfg_attr(
        not(all(unix, not(portable_only))),
        expect(dead_code, reason = "only the watch on Unix records events")
    )]
    pub(crate) fn forget_writer(&self) {
        self.state().writer = Writer::Unknown;
    }

    /// Returns the position of the last event.
    pub(crate) fn last(&self) -> Mark {
        self.state().last
    }

    /// Returns the position of the last event about the writer.
    pub(crate) fn last_written(&self) -> Mark {
        self.state().written
    }

    /// Returns what is known of the writer of content that is newer than `accepted`.
    ///
    /// A file that was closed, or renamed, before that says nothing of content that changes later.
    pub(crate) fn writer_since(&self, accepted: Mark) -> Writer {
        let state = self.state();
        match state.writer {
            Writer::Closed | Writer::Renamed if state.written <= accepted => Writer::Unknown,
            writer => writer,
        }
    }

    /// Waits for an event after `mark`.
    ///
    /// # Cancel safety
    ///
    /// Events are counted, so dropping this future loses none.
    pub(crate) async fn after(&self, mark: Mark) {
        while self.last() == mark {
            self.arrived.notified().await;
        }
    }

    /// Waits until nobody writes the file any more, as far as the events tell.
    pub(crate) async fn written(&self) {
        loop {
            let State { last, writer, .. } = *self.state();
            if writer != Writer::Writing {
                return;
            }
            if timeout(QUIET, self.after(last)).await.is_err() {
                let mut state = self.state();
                if state.last == last {
                    state.writer = Writer::Unknown;
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn event_wakes_whoever_has_not_seen_it() {
        let changes = Changes::default();
        let mark = changes.last();
        assert_eq!(changes.after(mark).now_or_never(), None);
        changes.record(None);
        assert_eq!(changes.after(mark).now_or_never(), Some(()));
        assert_eq!(changes.after(mark).now_or_never(), Some(()));
        assert_eq!(changes.after(changes.last()).now_or_never(), None);
    }

    #[test]
    fn closed_file_vouches_for_one_content() {
        let changes = Changes::default();
        let start = changes.last();
        assert_eq!(changes.writer_since(start), Writer::Unknown);
        for writer in [Writer::Closed, Writer::Renamed] {
            changes.record(Some(writer));
            changes.record(None); // such as a `chmod`
            assert_eq!(changes.writer_since(start), writer);
            assert_eq!(changes.writer_since(changes.last()), Writer::Unknown);
        }
        changes.record(Some(Writer::Writing));
        assert_eq!(changes.writer_since(changes.last()), Writer::Writing);
    }

    #[tokio::test(start_paused = true)]
    async fn written_waits_for_the_close() {
        let changes = Changes::default();
        assert_eq!(changes.written().now_or_never(), Some(()));
        changes.record(Some(Writer::Writing));
        let began = Instant::now();
        tokio::join!(changes.written(), async {
            for _ in 0..5 {
                tokio::time::sleep(QUIET * 9 / 10).await;
                changes.record(Some(Writer::Writing));
            }
            tokio::time::sleep(QUIET / 2).await;
            changes.record(Some(Writer::Closed));
        });
        assert_eq!(began.elapsed(), QUIET * 5);
    }

    #[tokio::test(start_paused = true)]
    async fn file_that_stays_open_counts_as_written() {
        let changes = Changes::default();
        changes.record(Some(Writer::Writing));
        let began = Instant::now();
        changes.written().await;
        assert_eq!(began.elapsed(), QUIET);
        assert_eq!(changes.writer_since(Mark::default()), Writer::Unknown);
    }
}

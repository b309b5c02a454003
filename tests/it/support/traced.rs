//! The trace output of a thread.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};
use tracing_subscriber::fmt::MakeWriter;

/// A subscriber that records all traces of this thread, at every level, until it is dropped.
pub(crate) struct Traced {
    text: Text,
    _here: DefaultGuard,
    _second: Dispatch,
}

impl Traced {
    pub(crate) fn new() -> Self {
        let text = Text::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(text.clone())
            .with_ansi(false)
            .finish();
        Self {
            text,
            _here: set_default(subscriber),
            // A second subscriber keeps `tracing` from caching interest. With only one, a thread
            // without a subscriber that reaches an event first would turn that event off for all
            // threads.
            _second: Dispatch::new(NoSubscriber::default()),
        }
    }

    pub(crate) fn text(&self) -> String {
        let bytes = self.text.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Text {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

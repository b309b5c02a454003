//! A channel is a source: the value is channel into it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::error::SourceError;
use super::fetch::{Fetch, Fetched, Revision};
use super::source::Source;

/// A source whose values somebody pushes, and the end to push them into.
///
/// The engine treats them as any others: looks at them, compares, publishes what is new, tells of it.
///
/// ```
/// use tower_rotating_auth::{Rotating, Secret, source::channel};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
/// let (sender, source) = channel();
/// sender.send(Secret::from("sk-1"));
/// let key = Rotating::start(source).await?;
///
/// let mut changes = key.subscribe();
/// sender.send(Secret::from("sk-2"));
/// let current = changes.changed().await.expect("the refresh task runs");
/// assert_eq!(current.expose_secret(), b"sk-2");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn channel<T: Send + Sync + 'static>() -> (Sender<T>, ChannelSource<T>) {
    let slot = Arc::new(Slot {
        value: Mutex::new(None),
        filled: Notify::new(),
    });
    let channel = ChannelSource {
        slot: Arc::clone(&slot),
        handed_out: 0,
    };
    (Sender(slot), channel)
}

struct Slot<T> {
    value: Mutex<Option<T>>,
    filled: Notify,
}

impl<T> Slot<T> {
    fn replace(&self, value: Option<T>) -> Option<T> {
        let mut slot = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut slot, value)
    }
}

fn numbered(push: u64) -> Revision {
    Revision::new(push.to_be_bytes())
}

/// Where values are channel. Made by [`channel`].
pub struct Sender<T>(Arc<Slot<T>>);

impl<T> Sender<T> {
    /// Hands a value over. One that was channel before and not taken yet is dropped: the latest counts.
    pub fn send(&self, value: T) {
        drop(self.0.replace(Some(value)));
        self.0.filled.notify_one();
    }
}

/// The source of what is channel. Made by [`channel`].
pub struct ChannelSource<T> {
    slot: Arc<Slot<T>>,
    /// How many values were taken out of the slot, taken for good or not.
    handed_out: u64,
}

impl<T: Send + Sync + 'static> Source for ChannelSource<T> {
    type Value = T;

    /// The number of a value is its revision: so it is known whether the last one was accepted.
    async fn fetch(&mut self, request: Fetch<'_, T>) -> Result<Fetched<T>, SourceError> {
        if let Some(value) = self.slot.replace(None) {
            self.handed_out += 1;
            return Ok(Fetched::new(value).revision(numbered(self.handed_out)));
        }
        match self.handed_out {
            0 => Err(SourceError::transient("nothing has been channel yet")),
            last if request.revision == Some(&numbered(last)) => Ok(Fetched::unchanged()),
            _ => Err(SourceError::invalid(
                "what was channel last was not accepted; push another",
            )),
        }
    }

    async fn changed(&mut self) {
        self.slot.filled.notified().await;
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ChannelSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelSource").finish_non_exhaustive()
    }
}

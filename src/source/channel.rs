//! A channel as a source.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::error::SourceError;
use super::fetch::{Fetch, Fetched, Revision};
use super::source_trait::Source;

/// Creates a channel: a sender of values, and the source that delivers them.
///
/// The engine treats them like the values of any source: it compares each with the current one and
/// publishes what is new. Before the first value is sent, a fetch fails.
///
/// # Examples
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
/// let current = changes.changed().await.expect("the refresh task is running");
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

/// The place for one value between the sender and the source.
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

/// Returns the revision of the value with this number.
fn numbered(push: u64) -> Revision {
    Revision::new(push.to_be_bytes())
}

/// The sender of a [`channel`].
pub struct Sender<T>(Arc<Slot<T>>);

impl<T> Sender<T> {
    /// Sends a value. An earlier one that the engine has not taken yet is dropped.
    pub fn send(&self, value: T) {
        drop(self.0.replace(Some(value)));
        self.0.filled.notify_one();
    }
}

/// The source of a [`channel`].
pub struct ChannelSource<T> {
    slot: Arc<Slot<T>>,
    /// The number of values taken out of the slot, whether or not the engine accepted them.
    handed_out: u64,
}

impl<T: Send + Sync + 'static> Source for ChannelSource<T> {
    type Value = T;

    /// Takes the value out of the slot.
    ///
    /// The revision is the number of the value, which shows whether the engine accepted the last
    /// one.
    async fn fetch(&mut self, request: Fetch<'_, T>) -> Result<Fetched<T>, SourceError> {
        if let Some(value) = self.slot.replace(None) {
            self.handed_out += 1;
            return Ok(Fetched::new(value).revision(numbered(self.handed_out)));
        }
        match self.handed_out {
            0 => Err(SourceError::transient("no value was sent yet")),
            last if request.revision == Some(&numbered(last)) => Ok(Fetched::unchanged()),
            _ => Err(SourceError::invalid(
                "the last value was not accepted; send another one",
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

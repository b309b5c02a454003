//! A channel is a source: the value is pushed into it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::rotating::{Fetch, Fetched, Source, SourceError};

/// A source whose values somebody pushes, and the end to push them into.
///
/// The engine treats them as any others: looks at them, compares, publishes what is new, tells of it.
///
/// ```
/// use tower_rotating_auth::{Rotating, Secret, pushed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::StartError> {
/// let (pusher, source) = pushed();
/// pusher.push(Secret::from("sk-1"));
/// let key = Rotating::start(source).await?;
///
/// let mut changes = key.subscribe();
/// pusher.push(Secret::from("sk-2"));
/// let current = changes.changed().await.expect("the refresh task runs");
/// assert_eq!(current.expose_secret(), b"sk-2");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn pushed<T: Send + Sync + 'static>() -> (Pusher<T>, Pushed<T>) {
    let slot = Arc::new(Slot {
        value: Mutex::new(None),
        filled: Notify::new(),
    });
    let pushed = Pushed {
        slot: Arc::clone(&slot),
        delivered: false,
    };
    (Pusher(slot), pushed)
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

/// Where values are pushed. Made by [`pushed`].
pub struct Pusher<T>(Arc<Slot<T>>);

impl<T> Pusher<T> {
    /// Hands a value over. One that was pushed before and not taken yet is dropped: the latest counts.
    pub fn push(&self, value: T) {
        drop(self.0.replace(Some(value)));
        self.0.filled.notify_one();
    }
}

/// The source of what is pushed. Made by [`pushed`].
pub struct Pushed<T> {
    slot: Arc<Slot<T>>,
    delivered: bool,
}

impl<T: Send + Sync + 'static> Source for Pushed<T> {
    type Value = T;

    async fn fetch(&mut self, _: Fetch<'_, T>) -> Result<Fetched<T>, SourceError> {
        match self.slot.replace(None) {
            Some(value) => {
                self.delivered = true;
                Ok(Fetched::new(value))
            }
            None if self.delivered => Ok(Fetched::unchanged()),
            None => Err(SourceError::transient("nothing has been pushed yet")),
        }
    }

    async fn changed(&mut self) {
        self.slot.filled.notified().await;
    }
}

impl<T> fmt::Debug for Pusher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pusher").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Pushed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pushed").finish_non_exhaustive()
    }
}

//! What is known about the attempts at a request.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderName, HeaderValue, Request};

use super::body::idle_timeout::Progress;

/// The extension of a request that is on its way to the upstream. It is one, since each costs an
/// allocation, and another one for each copy of the request that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Attempts {
    pub(super) progress: Progress,
    pub(super) sent: SentKeys,
}

/// The keys that the attempts at a request carried, so that no response shows them. Clones share
/// them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentKeys(Arc<Mutex<Vec<HeaderValue>>>);

impl Attempts {
    /// Notes an attempt, and the credential that it carries under this name. It must be below the
    /// layer that injects it, which keeps a copy of this.
    pub(crate) fn note<B>(mut request: Request<B>, name: &HeaderName) -> Request<B> {
        if let Some(attempts) = request.extensions_mut().remove::<Self>() {
            attempts.progress.note_attempt();
            if let Some(key) = request.headers().get(name) {
                attempts.sent.add(key.clone());
            }
        }
        request
    }
}

impl SentKeys {
    fn add(&self, key: HeaderValue) {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(key);
    }

    pub(super) fn with<T>(&self, read: impl FnOnce(&[HeaderValue]) -> T) -> T {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

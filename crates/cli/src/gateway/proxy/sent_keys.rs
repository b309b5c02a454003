//! The keys that the attempts at a request carried, so that no response shows them.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderName, HeaderValue, Request};

/// The credentials of a request's attempts. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentKeys(Arc<Mutex<Vec<HeaderValue>>>);

impl SentKeys {
    /// Notes the credential that an attempt carries. It must be below the layer that injects it.
    pub(crate) fn note<B>(request: Request<B>, name: &HeaderName) -> Request<B> {
        let sent = request.extensions().get::<Self>();
        if let Some((sent, key)) = sent.zip(request.headers().get(name)) {
            let mut sent = sent.0.lock().unwrap_or_else(PoisonError::into_inner);
            sent.push(key.clone());
        }
        request
    }

    pub(super) fn all(&self) -> Vec<HeaderValue> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

//! A server whose key is a number, and a source that reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::script::{Answer, Log, Script, script};

/// A server that accepts one key.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<AtomicU64>);

impl Upstream {
    /// Creates a server whose key is 1.
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1)))
    }

    pub(crate) fn key(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Replaces the key by the next one, the only one accepted from now on.
    pub(crate) fn rotate(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// Creates a source of the key at the time of the request. Each answer takes `takes`.
    pub(crate) fn source(&self, takes: Duration) -> (Script<u64>, Log) {
        let upstream = self.clone();
        script(move |_| Answer::value(upstream.key()).after(takes))
    }
}

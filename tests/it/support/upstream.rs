//! A server whose key is a number, and the source that reads it there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::script::{Answer, Log, Script, script};

#[derive(Clone)]
pub(crate) struct Upstream(Arc<AtomicU64>);

impl Upstream {
    /// Its first key is 1.
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1)))
    }

    pub(crate) fn key(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// From now on the next key is the only one that is accepted.
    pub(crate) fn rotate(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// A source of the key as it is when it is asked, which takes its time to say so.
    pub(crate) fn source(&self, takes: Duration) -> (Script<u64>, Log) {
        let upstream = self.clone();
        script(move |_| Answer::value(upstream.key()).after(takes))
    }
}

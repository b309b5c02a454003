//! HTTP/2 streams whose client grants no window. Only the stream ends, since others on the
//! connection may belong to other people.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task_local;
use tokio::time::{Instant, sleep_until};

/// Runs the streams of HTTP/2 connections, and resets one whose client takes nothing for
/// `patience`.
#[derive(Clone, Debug)]
pub(super) struct StreamExecutor {
    pub(super) patience: Duration,
}

task_local! {
    static WAIT: Wait;
}

/// Since when the transport has not asked for more of a response.
#[derive(Clone, Debug, Default)]
struct Wait(Arc<Mutex<Option<Instant>>>);

/// Notes that the transport got a part of a response, and will ask for the next.
pub(super) fn handed_over() {
    note(|| Some(Instant::now()));
}

/// Notes that the transport asks for more.
pub(super) fn asked() {
    note(|| None);
}

/// Notes nothing outside of an HTTP/2 stream: HTTP/1.1 shows the same by its socket.
fn note(since: fn() -> Option<Instant>) {
    let _no_stream = WAIT.try_with(|wait| wait.set(since()));
}

impl Wait {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> hyper::rt::Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(end_if_stalled(stream, self.patience));
    }
}

async fn end_if_stalled(stream: impl Future, patience: Duration) {
    let wait = Wait::default();
    let mut stream = pin!(WAIT.scope(wait.clone(), stream));
    loop {
        let now = Instant::now();
        let due = wait.since().unwrap_or(now) + patience;
        if due <= now {
            return; // dropping the stream resets it
        }
        tokio::select! {
            _ = stream.as_mut() => return,
            () = sleep_until(due) => {}
        }
    }
}

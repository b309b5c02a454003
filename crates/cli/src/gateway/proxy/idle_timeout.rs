//! Timeouts for silence. The total duration of a request has no limit, since a model may stream for
//! an hour.

use std::error::Error;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http::Request;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// The other side was silent for longer than its timeout.
#[derive(Debug)]
pub(crate) struct Silence;

/// The progress of a request: who has to make the next step, and how many were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    made: AtomicU64,
    /// Whether the next step is the client's, whose silence has a timeout of its own.
    clients: AtomicBool,
}

impl Progress {
    pub(crate) fn note(&self) {
        self.0.made.fetch_add(1, Ordering::Relaxed);
        self.0.clients.store(false, Ordering::Relaxed);
    }

    /// Counts an attempt to send a request as progress, so that a replay starts with a full
    /// timeout.
    pub(crate) fn note_attempt<B>(request: Request<B>) -> Request<B> {
        if let Some(progress) = request.extensions().get::<Self>() {
            progress.note();
        }
        request
    }

    pub(crate) fn wait_for_client(&self) {
        self.0.clients.store(true, Ordering::Relaxed);
    }

    fn made(&self) -> u64 {
        self.0.made.load(Ordering::Relaxed)
    }

    /// Waits for `future` while there is progress at least every `limit`.
    ///
    /// # Errors
    ///
    /// Returns [`Silence`] if nothing happens for `limit`, unless the client has to act next.
    pub(crate) async fn wait<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, Silence> {
        let mut future = pin!(future);
        loop {
            let before = self.made();
            match timeout(limit, &mut future).await {
                Ok(done) => return Ok(done),
                Err(_) if self.made() != before => {}
                Err(_) if self.0.clients.load(Ordering::Relaxed) => {}
                Err(_) => return Err(Silence),
            }
        }
    }
}

/// A body that fails with [`Silence`] if it produces nothing for `limit` while somebody polls it.
pub(crate) struct IdleTimeout {
    body: Body,
    limit: Duration,
    silent: Pin<Box<Sleep>>,
    /// Whether the last poll was pending, and so the timer runs.
    waiting: bool,
}

impl IdleTimeout {
    pub(crate) fn new(limit: Duration, body: Body) -> Self {
        Self {
            body,
            limit,
            silent: Box::pin(sleep(limit)),
            waiting: false,
        }
    }
}

impl HttpBody for IdleTimeout {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::into_inner)));
        }
        if !self.waiting {
            self.waiting = true;
            let deadline = Instant::now() + self.limit;
            self.silent.as_mut().reset(deadline);
        }
        ready!(self.silent.as_mut().poll(cx));
        Poll::Ready(Some(Err(Silence.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other side was silent for too long")
    }
}

impl Error for Silence {}

//! How long the other side may be silent. How long a request takes in all is nobody's business here: a
//! model may think for minutes and stream for an hour.

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

/// The other side was silent for too long.
#[derive(Debug)]
pub(crate) struct Silence;

/// Something that goes on, seen from where its silence would matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    made: AtomicU64,
    /// Whether the next one is the client's to make, whose silence is another matter.
    clients: AtomicBool,
}

impl Progress {
    pub(crate) fn note(&self) {
        self.0.made.fetch_add(1, Ordering::Relaxed);
        self.0.clients.store(false, Ordering::Relaxed);
    }

    /// An attempt to send a request is a step of its own: what the one before it waited for is nothing to it.
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

    /// Waits for `future` for as long as there is progress at least every `limit`.
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

/// A body that fails with [`Silence`] when nothing of it comes for too long while it is waited for.
pub(crate) struct Patient {
    body: Body,
    limit: Duration,
    silent: Pin<Box<Sleep>>,
    /// Whether the body is waited for, and so the clock runs.
    waiting: bool,
}

impl Patient {
    pub(crate) fn new(limit: Duration, body: Body) -> Self {
        Self {
            body,
            limit,
            silent: Box::pin(sleep(limit)),
            waiting: false,
        }
    }
}

impl HttpBody for Patient {
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
        f.write_str("nothing came for too long")
    }
}

impl Error for Silence {}

//! Timeouts for silence. The total duration of a request has no limit, since a model may stream for
//! an hour.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// The other side was silent for longer than its timeout.
#[derive(Debug)]
pub(crate) struct Silence;

/// The progress of a request: who has to make the next step, and when the last one was made.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Mutex<Steps>>);

#[derive(Clone, Copy, Debug)]
struct Steps {
    last: Instant,
    /// Whether the next step is the client's, whose silence has a timeout of its own.
    is_clients_turn: bool,
}

impl Progress {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Steps {
            last: now,
            is_clients_turn: false,
        })))
    }

    pub(crate) fn note(&self, now: Instant) {
        *self.lock() = Steps {
            last: now,
            is_clients_turn: false,
        };
    }

    /// Notes that a request is sent again. The client has nothing to do then. What the upstream has
    /// used of its time is used up, or each replay would double it.
    pub(crate) fn note_attempt(&self) {
        let is_clients_turn = self.lock().is_clients_turn;
        if is_clients_turn {
            self.note(Instant::now());
        }
    }

    pub(crate) fn wait_for_client(&self) {
        self.lock().is_clients_turn = true;
    }

    /// Waits for `future`, as long as its last step is not longer ago than `limit`.
    ///
    /// # Errors
    ///
    /// Returns [`Silence`] if nothing happens for `limit`, unless the client has to act next.
    pub(crate) async fn wait<F: Future>(
        &self,
        limit: Duration,
        mut future: Pin<&mut F>,
    ) -> Result<F::Output, Silence> {
        let mut due = self.lock().last + limit;
        loop {
            if let Ok(done) = timeout_at(due, future.as_mut()).await {
                return Ok(done);
            }
            let steps = *self.lock();
            due = steps.due(limit, Instant::now()).ok_or(Silence)?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Steps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Steps {
    /// Returns when to look again, or `None` if the upstream has used up its time.
    fn due(self, limit: Duration, now: Instant) -> Option<Instant> {
        let since = if self.is_clients_turn { now } else { self.last };
        Some(since + limit).filter(|due| *due > now)
    }
}

pin_project! {
    /// A body that fails with [`Silence`] if it produces nothing for `limit` while somebody polls
    /// it.
    pub(crate) struct IdleTimeout<B> {
        #[pin]
        body: B,
        limit: Duration,
        // Most bodies are there when they are polled, and need no timer.
        silent: Option<Pin<Box<Sleep>>>,
        // The moment by which something must be there, while the last poll was pending.
        due: Option<Instant>,
    }
}

impl<B> IdleTimeout<B> {
    pub(crate) const fn new(limit: Duration, body: B) -> Self {
        Self {
            body,
            limit,
            silent: None,
            due: None,
        }
    }
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>>> HttpBody for IdleTimeout<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if let Poll::Ready(frame) = this.body.poll_frame(cx) {
            *this.due = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let due = *this.due.get_or_insert_with(|| Instant::now() + *this.limit);
        let silent = this
            .silent
            .get_or_insert_with(|| Box::pin(sleep_until(due)));
        loop {
            ready!(silent.as_mut().poll(cx));
            // The timer may be that of an earlier wait, which is cheaper than a new one each time.
            if silent.deadline() >= due {
                return Poll::Ready(Some(Err(Silence.into())));
            }
            silent.as_mut().reset(due);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);

    fn due(progress: &Progress, start: Instant, seconds: u64) -> Option<Duration> {
        let now = start + Duration::from_secs(seconds);
        let due = progress.lock().due(LIMIT, now)?;
        Some(due - start)
    }

    #[test]
    fn upstream_has_one_limit_since_the_last_step() {
        let start = Instant::now();
        let progress = Progress::new(start);
        assert_eq!(due(&progress, start, 1), Some(LIMIT));
        assert_eq!(due(&progress, start, 2), None);
        progress.note(start + Duration::from_secs(1));
        assert_eq!(due(&progress, start, 2), Some(Duration::from_secs(3)));
    }

    #[test]
    fn replay_does_not_double_the_limit() {
        let start = Instant::now();
        let progress = Progress::new(start);
        progress.note_attempt();
        assert_eq!(due(&progress, start, 2), None);
        progress.wait_for_client();
        assert_eq!(due(&progress, start, 2), Some(LIMIT * 2));
        progress.note_attempt();
        assert!(!progress.lock().is_clients_turn, "a replay needs no client");
    }

    /// A body that has a frame whenever a test sends one.
    struct Frames(tokio::sync::mpsc::UnboundedReceiver<Bytes>);

    impl HttpBody for Frames {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            let frame = ready!(self.0.poll_recv(cx));
            Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_frame() {
        use http_body_util::BodyExt as _;

        let (send, frames) = tokio::sync::mpsc::unbounded_channel();
        let mut body = std::pin::pin!(IdleTimeout::new(LIMIT, Frames(frames)));
        let start = Instant::now();
        tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(LIMIT * 3 / 4).await;
                send.send(Bytes::from_static(b"a")).unwrap();
            }
            std::future::pending::<()>().await;
        });
        for _ in 0..5 {
            assert!(body.frame().await.unwrap().is_ok());
        }
        assert!(body.frame().await.unwrap().unwrap_err().is::<Silence>());
        assert_eq!(start.elapsed(), LIMIT * 15 / 4 + LIMIT);
    }
}

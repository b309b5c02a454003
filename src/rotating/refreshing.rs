//! The future of a refresh.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

use super::error::{RefreshError, RefreshErrorKind};
use super::value::{Current, Snapshot};

/// How much longer than the refresh task somebody waits, who gets the task's own answer if there is
/// one. Without it, a source that blocks the task would hold up all who wait.
const LATE: Duration = Duration::from_millis(10);

/// The result of a refresh, shared by all who wait for it.
pub(crate) type Refreshed<T, S> = Result<Arc<Snapshot<T, S>>, RefreshError>;

/// A future that resolves when a refresh is done.
///
/// It works on any executor: its timer runs on the tokio runtime of the refresh task, if the thread
/// that creates this has no other.
///
/// # Cancel safety
///
/// Dropping it only stops the wait. The refresh was queued when this future was created.
#[must_use = "the refresh runs by itself; await this for its result"]
pub struct Refreshing<T, S = ()>(State<T, S>);

enum State<T, S> {
    Known(Ready<Result<Current<T, S>, RefreshError>>),
    Waiting {
        reply: oneshot::Receiver<Refreshed<T, S>>,
        timer: Option<Pin<Box<Sleep>>>,
    },
}

impl<T, S> Refreshing<T, S> {
    pub(crate) fn known(outcome: Result<Current<T, S>, RefreshError>) -> Self {
        Self(State::Known(ready(outcome)))
    }

    /// Waits for a reply, without end.
    pub(crate) const fn waiting(reply: oneshot::Receiver<Refreshed<T, S>>) -> Self {
        Self(State::Waiting { reply, timer: None })
    }

    /// Waits for a reply that the refresh task gives within `limit`. If it does not, because its
    /// source blocks it, this stops waiting by itself.
    pub(crate) fn limited(
        reply: oneshot::Receiver<Refreshed<T, S>>,
        limit: Duration,
        engine: &runtime::Handle,
    ) -> Self {
        let here = runtime::Handle::try_current();
        let _entered = here.as_ref().unwrap_or(engine).enter();
        let timer = Some(Box::pin(sleep(limit.saturating_add(LATE))));
        Self(State::Waiting { reply, timer })
    }
}

impl<T, S> Future for Refreshing<T, S> {
    type Output = Result<Current<T, S>, RefreshError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Known(outcome) => Pin::new(outcome).poll(cx),
            State::Waiting { reply, timer } => {
                if let Poll::Ready(replied) = Pin::new(reply).poll(cx) {
                    return Poll::Ready(match replied {
                        Ok(refreshed) => refreshed.map(Current::from),
                        Err(_) => Err(RefreshError::new(RefreshErrorKind::Stopped)),
                    });
                }
                match timer.as_mut().map(|timer| timer.as_mut().poll(cx)) {
                    Some(Poll::Ready(())) => {
                        Poll::Ready(Err(RefreshError::new(RefreshErrorKind::TimedOut)))
                    }
                    Some(Poll::Pending) | None => Poll::Pending,
                }
            }
        }
    }
}

impl<T, S> fmt::Debug for Refreshing<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshing").finish_non_exhaustive()
    }
}

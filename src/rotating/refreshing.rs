//! The future of a refresh.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::error::{RefreshError, RefreshErrorKind};
use super::value::Current;
use super::value::Snapshot;

/// The result of a refresh, shared by all who wait for it.
pub(crate) type Refreshed<T> = Result<Arc<Snapshot<T>>, RefreshError>;

/// A future that resolves when a refresh is done.
///
/// It works on any executor, since the refresh task keeps all deadlines.
///
/// # Cancel safety
///
/// Dropping it only stops the wait. The refresh was queued when this future was created.
#[must_use = "the refresh runs by itself; await this for its result"]
pub struct Refreshing<T>(State<T>);

enum State<T> {
    Known(Option<Result<Current<T>, RefreshError>>),
    Waiting(oneshot::Receiver<Refreshed<T>>),
}

impl<T> Refreshing<T> {
    pub(crate) const fn known(outcome: Result<Current<T>, RefreshError>) -> Self {
        Self(State::Known(Some(outcome)))
    }

    pub(crate) const fn waiting(reply: oneshot::Receiver<Refreshed<T>>) -> Self {
        Self(State::Waiting(reply))
    }
}

impl<T> Future for Refreshing<T> {
    type Output = Result<Current<T>, RefreshError>;

    #[expect(
        clippy::expect_used,
        reason = "polling a finished future is the caller's bug"
    )]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Known(outcome) => Poll::Ready(outcome.take().expect("polled after it was done")),
            State::Waiting(reply) => Poll::Ready(match ready!(Pin::new(reply).poll(cx)) {
                Ok(refreshed) => refreshed.map(Current::from),
                Err(_) => Err(RefreshError::new(RefreshErrorKind::Stopped)),
            }),
        }
    }
}

impl<T> fmt::Debug for Refreshing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshing").finish_non_exhaustive()
    }
}

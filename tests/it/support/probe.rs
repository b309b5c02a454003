//! A service that checks Tower's contract of readiness.

use std::task::{Context, Poll, ready};

use tower::Service;

/// A service that panics if it is called without being ready. Its clones start unready.
pub(crate) struct Probe<S> {
    inner: S,
    readiness: Readiness,
}

#[derive(PartialEq)]
enum Readiness {
    NotAsked,
    AskedOnce,
    Ready,
}

impl<S> Probe<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self {
            inner,
            readiness: Readiness::NotAsked,
        }
    }
}

impl<S: Clone> Clone for Probe<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}

impl<S: Service<R>, R> Service<R> for Probe<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if self.readiness == Readiness::NotAsked {
            self.readiness = Readiness::AskedOnce;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let outcome = ready!(self.inner.poll_ready(cx));
        self.readiness = Readiness::Ready;
        Poll::Ready(outcome)
    }

    fn call(&mut self, request: R) -> S::Future {
        assert!(
            self.readiness == Readiness::Ready,
            "called without being ready"
        );
        self.readiness = Readiness::NotAsked;
        self.inner.call(request)
    }
}

//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use crate::inbound::require_key::GuardedBody;

pin_project! {
    /// The response future of [`RequireScopes`](crate::inbound::RequireScopes).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RequireScopesFuture<F> {
        #[pin]
        inner: Option<F>,
        // The layer refused the request. The inner service was not called.
        refusal: Option<Response<Bytes>>,
    }
}

impl<F> RequireScopesFuture<F> {
    pub(crate) const fn inner(future: F) -> Self {
        Self {
            inner: Some(future),
            refusal: None,
        }
    }

    pub(crate) const fn refused(response: Response<Bytes>) -> Self {
        Self {
            inner: None,
            refusal: Some(response),
        }
    }
}

impl<F, A, E> Future for RequireScopesFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<GuardedBody<A>>, E>;

    #[expect(
        clippy::expect_used,
        reason = "polling a finished future is the caller's bug"
    )]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(future) = this.inner.as_pin_mut() {
            let response = ready!(future.poll(cx))?;
            return Poll::Ready(Ok(response.map(GuardedBody::unguarded)));
        }
        let response = this.refusal.take().expect("polled after it was done");
        Poll::Ready(Ok(response.map(GuardedBody::error)))
    }
}

//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use super::guarded_body::GuardedBody;
use crate::inbound::principal::KeyPrincipal;

pin_project! {
    /// The response future of [`RequireKey`](crate::inbound::RequireKey).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<F> {
        /// The inner service responds. The client's key guards the body, if there is one.
        Inner { #[pin] future: F, key: Option<KeyPrincipal> },
        /// The layer refused the request. The inner service was not called.
        Error { response: Option<Response<Bytes>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) const fn inner(future: F, key: Option<KeyPrincipal>) -> Self {
        let kind = Kind::Inner { future, key };
        Self { kind }
    }

    pub(crate) const fn error(response: Response<Bytes>) -> Self {
        let response = Some(response);
        let kind = Kind::Error { response };
        Self { kind }
    }
}

impl<F, A, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<GuardedBody<A>>, E>;

    #[expect(
        clippy::expect_used,
        reason = "polling a finished future is the caller's bug"
    )]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Inner { future, key } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(response.map(|body| GuardedBody::inner(body, key.take()))))
            }
            KindProj::Error { response } => {
                let response = response.take().expect("polled after it was done");
                Poll::Ready(Ok(response.map(GuardedBody::error)))
            }
        }
    }
}

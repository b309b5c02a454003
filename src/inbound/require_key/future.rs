//! The answer of the inner service, or a refusal.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use super::guarded_body::GuardedBody;
use crate::inbound::principal::KeyPrincipal;

pin_project! {
    /// The answer to a request. Of [`RequireKey`](crate::inbound::RequireKey).
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
        /// The inner service answers; its body is guarded by the caller's key, if it has one.
        Admitted { #[pin] answer: F, key: Option<KeyPrincipal> },
        /// It is not asked.
        Refused { refusal: Option<Response<Bytes>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) const fn admitted(answer: F, key: Option<KeyPrincipal>) -> Self {
        let kind = Kind::Admitted { answer, key };
        Self { kind }
    }

    pub(crate) const fn refused(refusal: Response<Bytes>) -> Self {
        let refusal = Some(refusal);
        let kind = Kind::Refused { refusal };
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
            KindProj::Admitted { answer, key } => {
                let response = ready!(answer.poll(cx))?;
                Poll::Ready(Ok(response.map(|body| GuardedBody::host(body, key.take()))))
            }
            KindProj::Refused { refusal } => {
                let refusal = refusal.take().expect("polled after it was done");
                Poll::Ready(Ok(refusal.map(GuardedBody::refusal)))
            }
        }
    }
}

//! The response future.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use crate::inbound::require_key::GuardedBody;

pin_project! {
    /// The response future of [`RequireScopes`](crate::inbound::RequireScopes).
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
        /// The inner service responds.
        Inner { #[pin] future: F },
        /// The layer refused the request. The inner service was not called.
        Refused { response: Ready<Response<Bytes>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) const fn inner(future: F) -> Self {
        Self {
            kind: Kind::Inner { future },
        }
    }

    pub(crate) fn refused(response: Response<Bytes>) -> Self {
        let response = ready(response);
        Self {
            kind: Kind::Refused { response },
        }
    }
}

impl<F, A, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<GuardedBody<A>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Inner { future } => {
                let response = future.poll(cx);
                response.map_ok(|response| response.map(GuardedBody::unguarded))
            }
            KindProj::Refused { response } => {
                let response = Pin::new(response).poll(cx);
                response.map(|response| Ok(response.map(GuardedBody::error)))
            }
        }
    }
}

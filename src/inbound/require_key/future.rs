//! The response future.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::{GuardedBody, KeyGuard};
use super::cache::Caching;
use crate::box_error::BoxError;
use crate::inbound::authenticator::Authenticator;

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
        Inner { #[pin] future: F, guard: Option<KeyGuard>, caching: Option<(Caching, HeaderValue)> },
        /// The layer refused the request. The inner service was not called.
        Error { response: Ready<Response<Bytes>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn inner(
        future: F,
        guard: Option<KeyGuard>,
        caching: Caching,
        authenticator: &Authenticator,
    ) -> Self {
        let caching = match caching {
            Caching::AsItIs => None,
            caching => Some((caching, authenticator.vary.clone())),
        };
        let kind = Kind::Inner {
            future,
            guard,
            caching,
        };
        Self { kind }
    }

    pub(crate) fn error(response: Response<Bytes>) -> Self {
        let kind = Kind::Error {
            response: ready(response),
        };
        Self { kind }
    }
}

impl<F, A, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
    A: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Result<Response<GuardedBody<A>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Inner {
                future,
                guard,
                caching,
            } => {
                let mut response = std::task::ready!(future.poll(cx))?;
                if let Some((caching, vary)) = caching {
                    caching.apply(&mut response, vary);
                }
                Poll::Ready(Ok(response.map(|body| match guard.take() {
                    Some(guard) => GuardedBody::guarded(body, guard, cx),
                    None => GuardedBody::unguarded(body),
                })))
            }
            KindProj::Error { response } => {
                let response = Pin::new(response).poll(cx);
                response.map(|response| Ok(response.map(GuardedBody::error)))
            }
        }
    }
}

//! The response future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::box_error::BoxError;
use crate::completion::taken;
use crate::inbound::require_key::{self, GuardedBody, RequestBody, RequireKey};
use crate::inbound::validator::Validated;

/// The validator's judgement of a token, for the request's extensions.
type ValidationFuture = Pin<Box<dyn Future<Output = Validated> + Send>>;

pin_project! {
    /// The response future of [`ValidateKey`](crate::inbound::ValidateKey).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, B, F> {
        #[pin]
        state: State<S, B, F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, F> {
        /// The validator is asked. The request and the ready service wait.
        Asking { answer: ValidationFuture, waiting: Option<(Request<B>, RequireKey<S>)> },
        /// The service that checks keys responds.
        Responding { #[pin] future: require_key::ResponseFuture<F> },
    }
}

impl<S, B, F> ResponseFuture<S, B, F> {
    pub(crate) const fn responding(future: require_key::ResponseFuture<F>) -> Self {
        Self {
            state: State::Responding { future },
        }
    }

    pub(crate) const fn asking(
        answer: ValidationFuture,
        request: Request<B>,
        service: RequireKey<S>,
    ) -> Self {
        let waiting = Some((request, service));
        Self {
            state: State::Asking { answer, waiting },
        }
    }
}

impl<S, B, A> Future for ResponseFuture<S, B, S::Future>
where
    S: Service<Request<RequestBody<B>>, Response = Response<A>>,
    A: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Result<Response<GuardedBody<A>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                StateProj::Asking { answer, waiting } => {
                    let answer = ready!(answer.as_mut().poll(cx));
                    let (mut request, mut service) = taken(waiting);
                    request.extensions_mut().insert(answer);
                    service.call(request)
                }
                StateProj::Responding { future } => return future.poll(cx),
            };
            state.set(State::Responding { future });
        }
    }
}

impl<S, B, F> fmt::Debug for ResponseFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

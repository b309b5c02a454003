//! The response future.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::ExpectContinueBody;
use super::held::Held;
use super::pointless::{Pointless, Target};
use super::response_body::{ExpectContinueResponseBody, RefusedUpload};
use crate::completion::{polled_after_completion, present, taken};

pin_project! {
    /// The response future of [`ExpectContinue`](super::ExpectContinue).
    ///
    /// # Panics
    ///
    /// Panics if it is polled after its completion.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<ExpectContinueBody<B>>>,
    {
        #[pin]
        state: State<S, S::Future, B>,
        origin: (Target, Pointless),
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, B> {
        // The upstream gets the body as fast as it takes it.
        Sending { #[pin] response: F },
        // The upstream was asked whether it wants the body.
        Asking { #[pin] response: F, asked: Asked<S, B> },
        // The upstream does not understand the question. The request goes out without it as soon
        // as the inner service is ready.
        Again { again: Option<Again<S, B>> },
        Done,
    }
}

/// What follows a poll: the next state, or the answer for the caller.
type Step<S, F, B, R, E> =
    ControlFlow<Result<Response<ExpectContinueResponseBody<R>>, E>, State<S, F, B>>;

/// A request without the question, for a service that is not ready.
struct Again<S, B> {
    inner: S,
    request: Request<ExpectContinueBody<B>>,
}

/// A request whose body is held back, and what sends it again without asking.
struct Asked<S, B> {
    held: Arc<Held<B>>,
    inner: S,
    head: Parts,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<ExpectContinueBody<B>>>,
{
    pub(super) const fn sending(response: S::Future, origin: (Target, Pointless)) -> Self {
        Self {
            state: State::Sending { response },
            origin,
        }
    }

    pub(super) const fn asking(
        response: S::Future,
        held: Arc<Held<B>>,
        inner: S,
        head: Parts,
        origin: (Target, Pointless),
    ) -> Self {
        let asked = Asked { held, inner, head };
        Self {
            state: State::Asking { response, asked },
            origin,
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<ExpectContinueBody<B>>, Response = Response<R>> + Clone,
    B: Body + Send + 'static,
{
    type Output = Result<Response<ExpectContinueResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let step = match this.state.as_mut().project() {
                StateProj::Sending { response } => {
                    let answer = ready!(response.poll(cx));
                    ControlFlow::Break(answer.map(|response| {
                        if response.version() == Version::HTTP_2 {
                            let (target, pointless) = &*this.origin;
                            pointless.insert(target);
                        }
                        with_upload(response, None)
                    }))
                }
                StateProj::Asking { response, asked } => match ready!(response.poll(cx)) {
                    Ok(response) => asked.answered(response, this.origin),
                    Err(error) => ControlFlow::Break(Err(error)),
                },
                StateProj::Again { again } => {
                    let ready = ready!(present(again).inner.poll_ready(cx));
                    let Again { mut inner, request } = taken(again);
                    match ready {
                        Ok(()) => ControlFlow::Continue(State::Sending {
                            response: inner.call(request),
                        }),
                        Err(error) => ControlFlow::Break(Err(error)),
                    }
                }
                StateProj::Done => polled_after_completion(),
            };
            match step {
                ControlFlow::Continue(next) => this.state.set(next),
                ControlFlow::Break(answer) => {
                    this.state.set(State::Done);
                    return Poll::Ready(answer);
                }
            }
        }
    }
}

impl<S: Clone, B: Send + 'static> Asked<S, B> {
    /// Sends the request without the question if the upstream did not understand it. Otherwise
    /// returns the response.
    fn answered<F, R, E>(
        &self,
        response: Response<R>,
        (target, pointless): &(Target, Pointless),
    ) -> Step<S, F, B, R, E> {
        let not_understood = response.status() == StatusCode::EXPECTATION_FAILED;
        if not_understood || response.version() == Version::HTTP_2 {
            pointless.insert(target);
        }
        match not_understood.then(|| self.held.take()).flatten() {
            Some(body) => ControlFlow::Continue(self.again(body)),
            None => ControlFlow::Break(Ok(self.end(response))),
        }
    }

    /// Returns the same request without the question.
    fn again<F>(&self, body: B) -> State<S, F, B> {
        let request = Request::from_parts(self.head.clone(), ExpectContinueBody::sending(body));
        State::Again {
            again: Some(Again {
                inner: self.inner.clone(),
                request,
            }),
        }
    }

    /// Lets an upstream that has responded before the body have it or not.
    ///
    /// One that accepts the request may read the body while it responds. One that refuses it gets
    /// nothing.
    fn end<R>(&self, response: Response<R>) -> Response<ExpectContinueResponseBody<R>> {
        if response.status().is_success() {
            self.held.want();
            return with_upload(response, None);
        }
        let refused = self.held.refuse();
        let upload = refused.then(|| RefusedUpload::new(Arc::clone(&self.held)));
        with_upload(response, upload)
    }
}

fn with_upload<R>(
    response: Response<R>,
    upload: Option<RefusedUpload>,
) -> Response<ExpectContinueResponseBody<R>> {
    response.map(|body| ExpectContinueResponseBody::new(body, upload))
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<ExpectContinueBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

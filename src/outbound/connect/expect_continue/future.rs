//! The response future.

use std::fmt;
use std::future::Future;
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

pin_project! {
    /// The response future of [`ExpectContinue`](super::ExpectContinue).
    pub struct ExpectContinueFuture<S, B>
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
    #[project_replace = StateOwn]
    enum State<S, F, B> {
        // The upstream gets the body as fast as it takes it.
        Sending { #[pin] response: F },
        // The upstream was asked whether it wants the body.
        Asking { #[pin] response: F, asked: Asked<S, B> },
        // The upstream does not understand the question. The request goes out without it as soon
        // as the inner service is ready.
        Again { inner: S, request: Request<ExpectContinueBody<B>> },
        Done,
    }
}

/// A request whose body is held back, and what sends it again without asking.
struct Asked<S, B> {
    held: Arc<Held<B>>,
    inner: S,
    head: Parts,
}

impl<S, B> ExpectContinueFuture<S, B>
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

impl<S, B, R> Future for ExpectContinueFuture<S, B>
where
    S: Service<Request<ExpectContinueBody<B>>, Response = Response<R>> + Clone,
    B: Body + Send + 'static,
{
    type Output = Result<Response<ExpectContinueResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Sending { response } => {
                    let response = ready!(response.poll(cx))?;
                    if response.version() == Version::HTTP_2 {
                        let (target, pointless) = &*this.origin;
                        pointless.insert(target);
                    }
                    return Poll::Ready(Ok(with_upload(response, None)));
                }
                StateProj::Asking { response, asked } => {
                    let response = ready!(response.poll(cx))?;
                    let not_understood = response.status() == StatusCode::EXPECTATION_FAILED;
                    if not_understood || response.version() == Version::HTTP_2 {
                        let (target, pointless) = &*this.origin;
                        pointless.insert(target);
                    }
                    let body = not_understood.then(|| asked.held.take()).flatten();
                    match body {
                        Some(body) => asked.again(body),
                        None => return Poll::Ready(Ok(asked.end(response))),
                    }
                }
                StateProj::Again { inner, .. } => {
                    ready!(inner.poll_ready(cx))?;
                    let StateOwn::Again { mut inner, request } =
                        this.state.as_mut().project_replace(State::Done)
                    else {
                        return Poll::Pending; // it was `Again` a moment before
                    };
                    State::Sending {
                        response: inner.call(request),
                    }
                }
                StateProj::Done => return Poll::Pending,
            };
            this.state.set(next);
        }
    }
}

impl<S: Clone, B: Send + 'static> Asked<S, B> {
    /// Returns the same request without the question.
    fn again<F>(&self, body: B) -> State<S, F, B> {
        let request = Request::from_parts(self.head.clone(), ExpectContinueBody::sending(body));
        State::Again {
            inner: self.inner.clone(),
            request,
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

impl<S, B> fmt::Debug for ExpectContinueFuture<S, B>
where
    S: Service<Request<ExpectContinueBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectContinueFuture")
            .finish_non_exhaustive()
    }
}

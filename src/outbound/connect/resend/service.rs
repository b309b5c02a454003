//! The service, and its response future.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem::replace;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::no_response::{NoResponse, Resend};
use crate::outbound::adapter::SavedHead;
use crate::outbound::replay::Replay;

/// A service that sends a request once more if it got no response. Created by
/// [`ResendLayer`](super::ResendLayer).
#[derive(Clone)]
pub struct ResendService<S, R> {
    inner: S,
    replay: R,
    resend: Resend,
}

/// The response future of [`ResendService`].
///
/// # Panics
///
/// Panics if it is polled after its completion.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<T, E>(Pin<Box<dyn Future<Output = Result<T, E>> + Send>>);

impl<S, R> ResendService<S, R> {
    pub(super) const fn new(inner: S, replay: R, resend: Resend) -> Self {
        Self {
            inner,
            replay,
            resend,
        }
    }
}

impl<S, R, B, T> Service<Request<B>> for ResendService<S, R>
where
    S: Service<Request<R::Body>, Response = Response<T>, Error: Error + Send + 'static>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    R: Replay<B, Body: Send, Saved: Send + 'static> + Clone + Send + 'static,
{
    type Response = Response<T>;
    type Error = S::Error;
    type Future = ResponseFuture<Response<T>, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone may not be ready; what was polled is the one to call.
        let clone = self.inner.clone();
        let mut inner = replace(&mut self.inner, clone);
        let (replay, resend) = (self.replay.clone(), self.resend);
        let (head, body) = request.into_parts();
        let (body, saved) = replay.save(body);
        let method = head.method.clone();
        let again = saved.map(|saved| (SavedHead::new(&head), saved));
        let response = inner.call(Request::from_parts(head, body));
        ResponseFuture(Box::pin(async move {
            let error = match response.await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let Some((head, saved)) = again else {
                return Err(error);
            };
            if !NoResponse::from_error(&error).permits(resend, &method) {
                return Err(error);
            }
            let restored = replay.restore(saved);
            let Some(request) = restored.and_then(|body| head.restore(body)) else {
                return Err(error);
            };
            poll_fn(|cx| inner.poll_ready(cx)).await?;
            inner.call(request).await
        }))
    }
}

impl<S: fmt::Debug, R> fmt::Debug for ResendService<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResendService")
            .field("inner", &self.inner)
            .field("resend", &self.resend)
            .finish_non_exhaustive()
    }
}

impl<T, E> Future for ResponseFuture<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T, E> fmt::Debug for ResponseFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

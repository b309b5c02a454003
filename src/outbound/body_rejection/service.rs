//! The service that marks responses whose body rejects the key.

use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use tower_service::Service;

use super::body::PrefixedBody;
use super::future::ResponseFuture;
use super::rule::Rule;

/// A service that reads the beginning of some responses, and marks those that reject the key.
///
/// Made by [`RejectByBodyLayer`](crate::outbound::body_rejection::RejectByBodyLayer).
#[derive(Clone, Copy, Debug)]
pub struct RejectByBody<S> {
    inner: S,
    rule: Rule,
}

impl<S> RejectByBody<S> {
    pub(crate) const fn new(inner: S, rule: Rule) -> Self {
        Self { inner, rule }
    }

    /// Returns a reference to the inner service.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, Req, B> Service<Req> for RejectByBody<S>
where
    S: Service<Req, Response = Response<B>>,
    B: Body + Unpin,
{
    type Response = Response<PrefixedBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        ResponseFuture::new(self.inner.call(request), self.rule)
    }
}

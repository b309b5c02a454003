//! The service that checks keys.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::time::Instant;
use tower_service::Service;

use super::authenticator::{Authenticator, Head};
use super::future::ResponseFuture;
use super::guarded_body::GuardedBody;
use crate::inbound::auth_error::AuthError;
use crate::inbound::event::EventKind;
use crate::inbound::principal::Principal;

/// A service that requires a valid key.
///
/// Created by [`RequireKeyLayer`](crate::inbound::RequireKeyLayer).
#[derive(Clone, Debug)]
pub struct RequireKey<S> {
    inner: S,
    authenticator: Arc<Authenticator>,
}

impl<S> RequireKey<S> {
    pub(crate) const fn new(inner: S, authenticator: Arc<Authenticator>) -> Self {
        Self {
            inner,
            authenticator,
        }
    }

    /// Returns the inner service.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Consumes this service and returns the inner one.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn error_response<B>(&self, error: &AuthError, request: &Request<B>) -> Response<bytes::Bytes> {
        if let Some(suppressed) = self.authenticator.log_limiter.allow_at(Instant::now()) {
            let kind = EventKind::Refused {
                reason: error.reason(),
                suppressed,
            };
            let at = self.authenticator.keys.wall();
            self.authenticator.events.emit(kind, at);
        }
        let error_response = &self.authenticator.error_response;
        error_response.response(error, request.method(), request.headers())
    }
}

impl<S, B, A> Service<Request<B>> for RequireKey<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = Response<GuardedBody<A>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let head = Head {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        };
        let principal = match self
            .authenticator
            .authenticate(head, self.authenticator.keys.wall())
        {
            Ok(principal) => principal,
            // The inner service was not called, and so stays ready for the next request.
            Err(error) => return ResponseFuture::error(self.error_response(&error, &request)),
        };
        self.authenticator.strip(&mut request);
        let key = principal.as_ref().and_then(Principal::key).cloned();
        match principal {
            Some(principal) => drop(request.extensions_mut().insert(principal)),
            // One that an outer layer inserted must not count where this layer found none.
            None => drop(request.extensions_mut().remove::<Principal>()),
        }
        ResponseFuture::inner(self.inner.call(request), key)
    }
}

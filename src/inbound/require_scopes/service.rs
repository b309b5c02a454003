//! The service that checks scopes.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use crate::inbound::auth_error::{AuthErrorKind, AuthErrorResponse};
use crate::inbound::principal::Principal;
use crate::inbound::refusal::RequestHead;
use crate::inbound::require_key::{GuardedBody, matched_template};
use crate::inbound::requirement::Requirement;

/// A service that requires scopes of a client.
///
/// Created by [`RequireScopesLayer`](crate::inbound::RequireScopesLayer).
#[derive(Clone, Debug)]
pub struct RequireScopes<S> {
    inner: S,
    requirement: Requirement,
}

impl<S> RequireScopes<S> {
    pub(crate) const fn new(inner: S, requirement: Requirement) -> Self {
        Self { inner, requirement }
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

    /// Returns the response to a request that may not pass.
    fn refusal<B>(&self, request: &Request<B>) -> Option<Response<Bytes>> {
        let refused = RequestHead {
            method: request.method(),
            version: request.version(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
            template: matched_template(request.extensions()),
        };
        match request.extensions().get() {
            Some(Principal::Open) => None,
            Some(Principal::Key(key)) => {
                let error = self.requirement.check(key.identity().record()).err()?;
                Some(key.authenticator().refusals.refuse(&error, refused))
            }
            Some(Principal::Anonymous(anonymous)) => Some(
                anonymous
                    .refusals()
                    .refuse(&AuthErrorKind::Missing.into(), refused),
            ),
            None => {
                tracing::error!(
                    "500: no layer has checked this request; add a `RequireKeyLayer` around the \
                     route, and do not make it public"
                );
                let response = AuthErrorResponse::default();
                let error = AuthErrorKind::NoLayer.into();
                let (method, version) = (request.method(), request.version());
                Some(response.response(&error, method, version, request.headers()))
            }
        }
    }
}

impl<S, B, A> Service<Request<B>> for RequireScopes<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = Response<GuardedBody<A>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.refusal(&request) {
            // The inner service was not called, and so stays ready for the next request.
            Some(response) => ResponseFuture::refused(response),
            None => ResponseFuture::inner(self.inner.call(request)),
        }
    }
}

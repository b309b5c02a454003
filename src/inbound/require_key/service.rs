//! The service that checks keys.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::{GuardedBody, KeyGuard, RequestBody};
use super::checks::ValidationRequest;
use super::future::ResponseFuture;
use super::hidden::put_principal;
use super::router::matched_template;
use crate::box_error::BoxError;
use crate::inbound::authenticator::Authenticator;
use crate::inbound::hooks::Hook;
use crate::inbound::principal::{Caller, Principal};
use crate::inbound::refusal::RequestHead;

/// A function that is called with the principal of each admitted request.
pub(crate) type PrincipalHook = Hook<dyn Fn(&Principal) + Send + Sync>;

/// A service that requires a valid key.
///
/// Created by [`RequireKeyLayer`](crate::inbound::RequireKeyLayer).
#[derive(Clone, Debug)]
pub struct RequireKey<S> {
    inner: S,
    authenticator: Arc<Authenticator>,
    on_principal: Option<PrincipalHook>,
}

impl<S> RequireKey<S> {
    pub(crate) const fn new(
        inner: S,
        authenticator: Arc<Authenticator>,
        on_principal: Option<PrincipalHook>,
    ) -> Self {
        Self {
            inner,
            authenticator,
            on_principal,
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
}

impl<S> RequireKey<S> {
    /// Returns what to ask a validator about a request, if anything.
    pub(crate) fn validation_request<B>(&self, request: &Request<B>) -> Option<ValidationRequest> {
        self.authenticator.validation_request(head_of(request))
    }
}

/// Returns what a decision about a request goes by.
fn head_of<B>(request: &Request<B>) -> RequestHead<'_> {
    RequestHead {
        method: request.method(),
        version: request.version(),
        uri: request.uri(),
        headers: request.headers(),
        extensions: request.extensions(),
        template: matched_template(request.extensions()),
    }
}

impl<S, B, A> Service<Request<B>> for RequireKey<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<A>>,
    A: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<GuardedBody<A>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let head = head_of(&request);
        let admission = match self
            .authenticator
            .authenticate(head, self.authenticator.keys.wall())
        {
            Ok(admission) => admission,
            // The inner service was not called, and so stays ready for the next request.
            Err(error) => {
                return ResponseFuture::error(self.authenticator.refusals.refuse(&error, head));
            }
        };
        let hidden = self.authenticator.strip(&mut request);
        let guard = match &admission.caller {
            Some(Caller::Key(identity)) => Some(KeyGuard::new(identity)),
            _ => None,
        };
        put_principal(request.extensions_mut(), admission.caller, hidden);
        if let Some(hook) = &self.on_principal {
            if let Some(principal) = request.extensions().get() {
                hook(principal);
            }
        }
        let request = request.map(|body| RequestBody::new(body, guard.clone()));
        let response = self.inner.call(request);
        ResponseFuture::inner(response, guard, admission.caching, &self.authenticator)
    }
}

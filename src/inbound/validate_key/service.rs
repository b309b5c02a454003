//! The service that asks a validator.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::time::timeout;
use tower_service::Service;

use super::future::ResponseFuture;
use crate::box_error::BoxError;
use crate::inbound::require_key::{GuardedBody, RequestBody, RequireKey};
use crate::inbound::validator::{Validator, Validity};

/// How long a client waits before it asks again after the validator took too long.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A service that requires a valid key, or a token that a validator accepts.
///
/// Created by [`ValidateKeyLayer`](crate::inbound::ValidateKeyLayer).
#[derive(Debug)]
pub struct ValidateKey<S, V> {
    service: RequireKey<S>,
    validator: Arc<V>,
    timeout: Duration,
}

impl<S, V> ValidateKey<S, V> {
    pub(crate) const fn new(service: RequireKey<S>, validator: Arc<V>, timeout: Duration) -> Self {
        Self {
            service,
            validator,
            timeout,
        }
    }

    /// Returns the inner service.
    #[must_use]
    pub const fn inner(&self) -> &S {
        self.service.inner()
    }

    /// Consumes this service and returns the inner one.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.service.into_inner()
    }
}

impl<S: Clone, V> Clone for ValidateKey<S, V> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            validator: Arc::clone(&self.validator),
            timeout: self.timeout,
        }
    }
}

impl<S, V, B, A> Service<Request<B>> for ValidateKey<S, V>
where
    S: Service<Request<RequestBody<B>>, Response = Response<A>> + Clone,
    V: Validator,
    A: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<GuardedBody<A>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Service::<Request<B>>::poll_ready(&mut self.service, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(validation_request) = self.service.validation_request(&request) else {
            return ResponseFuture::responding(self.service.call(request));
        };
        let clone = self.service.clone();
        let ready = std::mem::replace(&mut self.service, clone);
        let (validator, limit) = (Arc::clone(&self.validator), self.timeout);
        let validity = async move {
            let validity = timeout(limit, validator.validate(&validation_request.token)).await;
            let validity = validity.unwrap_or(Validity::Unavailable {
                retry_after: RETRY_AFTER,
            });
            validation_request.with_validity(validity)
        };
        ResponseFuture::asking(Box::pin(validity), request, ready)
    }
}

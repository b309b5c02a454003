//! The service that injects the key without replay.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use crate::outbound::adapter::ExtendedConnect;
use crate::outbound::config::Config;
use crate::outbound::header;

/// A service that injects the current key into each request and passes every answer on.
///
/// Made by [`InjectKeyOnceLayer`](crate::outbound::InjectKeyOnceLayer).
#[derive(Clone, Debug)]
pub struct InjectKeyOnce<S> {
    inner: S,
    config: Arc<Config>,
    extended_connect: ExtendedConnect,
}

impl<S> InjectKeyOnce<S> {
    pub(crate) const fn new(
        inner: S,
        config: Arc<Config>,
        extended_connect: ExtendedConnect,
    ) -> Self {
        Self {
            inner,
            config,
            extended_connect,
        }
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

    /// Waits until the service is ready, then sends one request.
    ///
    /// This is `tower::ServiceExt::oneshot` with the bounds spelled out, so that the compiler names
    /// the bound that is missing. See [`InjectKey::oneshot`](crate::outbound::InjectKey::oneshot).
    ///
    /// # Errors
    ///
    /// Returns the inner service's error.
    pub async fn oneshot<B>(mut self, request: Request<B>) -> Result<S::Response, S::Error>
    where
        S: Service<Request<B>>,
    {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        let answer = self.call(request);
        drop(self); // what the instance holds of the inner service is not kept until the answer
        answer.await
    }
}

impl<S, B> Service<Request<B>> for InjectKeyOnce<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let lookup = self.config.lookup(&self.extended_connect.target(&request));
        let headers = request.headers_mut();
        if let Some(found) = self.config.credential_for(lookup, headers) {
            header::set(headers, found.credential.name(), found.credential.value());
        }
        self.inner.call(request)
    }
}

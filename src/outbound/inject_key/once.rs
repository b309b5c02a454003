//! The service that puts the key on and hands everything else through.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use http::header::Entry;
use tower_service::Service;

use super::config::{Config, Existing};
use crate::outbound::adapter::Target;

/// Puts the current key on each request. Made by [`InjectKeyOnceLayer`](crate::outbound::InjectKeyOnceLayer).
#[derive(Clone, Debug)]
pub struct InjectKeyOnce<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> InjectKeyOnce<S> {
    pub(crate) const fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }

    /// The inner service.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// The inner service, by itself.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
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
        let Config { existing, .. } = *self.config;
        let target = Target::of(request.uri()).with_host(request.headers());
        if let Some((_, credential)) = self.config.credential_for(target) {
            let (name, value) = (credential.name(), credential.value());
            match (existing, request.headers_mut().entry(name)) {
                (Existing::Keep, Entry::Occupied(_)) => {}
                (Existing::Override, Entry::Occupied(mut set)) => drop(set.insert(value)),
                (_, Entry::Vacant(free)) => drop(free.insert(value)),
            }
        }
        self.inner.call(request)
    }
}

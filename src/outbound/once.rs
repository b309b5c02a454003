//! The service that puts the key on and hands everything else through.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use super::config::Config;
use super::http_seam::set_header;
use super::origin::Target;

/// Puts the current key on each request. Made by [`InjectOnce`](super::InjectOnce).
#[derive(Clone, Debug)]
pub struct InjectedOnce<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> InjectedOnce<S> {
    pub(super) const fn new(inner: S, config: Arc<Config>) -> Self {
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

impl<S, B> Service<Request<B>> for InjectedOnce<S>
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
        let credential = self
            .config
            .credential_for(Target::of(request.uri()), |name| {
                request.headers().contains_key(name)
            });
        if let Some(credential) = credential {
            set_header(request.headers_mut(), credential.name(), credential.value());
        }
        self.inner.call(request)
    }
}

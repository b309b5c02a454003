//! The service that puts the key on and sends a rejected request once more.

use std::fmt;
use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::config::{Config, Existing, Rejected};
use super::future::{Attempt, ResponseFuture};
use crate::outbound::adapter::{ClassifyRejection, RequestAdapter};
use crate::outbound::credential::Credential;
use crate::outbound::routes::Index;
use crate::rotating::{Current, Refreshing};

/// Puts the current key on each request and sends a rejected one once more. Made by
/// [`InjectKeyLayer`](crate::outbound::InjectKeyLayer).
pub struct InjectKey<S, X> {
    inner: S,
    shared: Arc<Shared<X>>,
}

/// What every clone of one service shares: one count for all of it.
pub(crate) struct Shared<X> {
    pub(crate) config: Config,
    pub(crate) seam: Arc<X>,
}

/// The credential for a request, and which of the keys it is from.
type Found = (Index, Current<Credential>);

impl<X> Shared<X> {
    /// The credential for a request, loaded once, and which of the keys it is from; `None` where the request goes
    /// out as it is.
    fn credential_for<Req>(&self, request: &mut Req) -> Option<Found>
    where
        X: RequestAdapter<Req>,
    {
        let Self { config, seam } = self;
        config
            .credential_for(seam.target(request))
            .filter(|(_, credential)| {
                config.existing == Existing::Override || !seam.carries(request, credential.name())
            })
    }

    /// The refresh that a request waits for: of a credential that has proven itself and was rejected since.
    fn awaited(&self, found: Option<&Found>) -> Option<Refreshing<Credential>> {
        let (index, credential) = found.filter(|_| self.config.rejected == Rejected::Hold)?;
        self.config.key(*index).join_refresh(credential)
    }
}

impl<S, X> InjectKey<S, X> {
    pub(crate) fn new(inner: S, config: Config, seam: Arc<X>) -> Self {
        Self {
            inner,
            shared: Arc::new(Shared { config, seam }),
        }
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

impl<S, X, Req> Service<Req> for InjectKey<S, X>
where
    X: RequestAdapter<Req> + ClassifyRejection<S::Response, S::Error>,
    S: Service<X::Sent> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, X, Req>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let found = self.shared.credential_for(&mut request);
        if let Some(refreshing) = self.shared.awaited(found.as_ref()) {
            // What the ready instance has reserved is for others meanwhile.
            let not_ready = self.inner.clone();
            drop(replace(&mut self.inner, not_ready));
            return ResponseFuture::held(refreshing, self.clone(), request);
        }
        self.send(request, found)
    }
}

impl<S, X> InjectKey<S, X> {
    /// Sends the request with the credential that is current; the inner service is ready.
    pub(crate) fn send_now<Req>(&mut self, mut request: Req) -> ResponseFuture<S, X, Req>
    where
        X: RequestAdapter<Req> + ClassifyRejection<S::Response, S::Error>,
        S: Service<X::Sent> + Clone,
    {
        let found = self.shared.credential_for(&mut request);
        self.send(request, found)
    }

    fn send<Req>(&mut self, request: Req, found: Option<Found>) -> ResponseFuture<S, X, Req>
    where
        X: RequestAdapter<Req> + ClassifyRejection<S::Response, S::Error>,
        S: Service<X::Sent> + Clone,
    {
        let Shared { seam, .. } = &*self.shared;
        let Some((index, credential)) = found else {
            return ResponseFuture::passed(self.inner.call(seam.pass(request)));
        };
        let (mut sent, saved) = seam.save(request);
        seam.set(&mut sent, credential.name(), credential.value());
        let attempt = Attempt {
            shared: Arc::clone(&self.shared),
            index,
            generation: credential.generation(),
            proven: credential.content().proven(),
            outcome: None,
        };
        drop(credential);
        // The clone is not ready, and is readied before it is called; the ready instance is called now.
        let replay = saved.map(|saved| (self.inner.clone(), saved));
        ResponseFuture::keyed(self.inner.call(sent), replay, attempt)
    }
}

impl<S: Clone, X> Clone for InjectKey<S, X> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: fmt::Debug, X> fmt::Debug for InjectKey<S, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InjectKey")
            .field("inner", &self.inner)
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

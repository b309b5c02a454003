//! The service that injects the key and replays rejected requests.

use std::fmt;
use std::future::poll_fn;
use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::future::ResponseFuture;
use super::shared::{Handle, Handles};
use crate::outbound::adapter::{ClassifyRejection, RequestAdapter};
use crate::outbound::config::Config;

/// A service that injects the current key into each request and replays rejected ones.
///
/// Made by [`InjectKeyLayer`](crate::outbound::InjectKeyLayer).
pub struct InjectKey<S, X> {
    inner: S,
    shared: Arc<Handles<X>>,
}

impl<S, X> InjectKey<S, X> {
    pub(crate) fn new(inner: S, config: Config, adapter: Arc<X>) -> Self {
        let shared = Arc::new(Handle::for_each_thread(config, adapter));
        Self { inner, shared }
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
    /// This is `tower::ServiceExt::oneshot` with the bounds spelled out. If this client cannot send
    /// the request, the compiler says which bound is missing, and what to do about it. Otherwise it
    /// could only say that there is no such method.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, Response};
    /// use tower::{Layer, service_fn};
    /// use tower_rotating_auth::{Secret, outbound::{Credential, InjectKeyLayer, RotatingCredential}};
    ///
    /// struct Upload; // does not implement `Clone`
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let client = InjectKeyLayer::new("https://api.example.com", key)?
    ///     .replay(|_: &Upload| None::<Upload>)
    ///     .layer(service_fn(async |request: Request<Upload>| {
    ///         let sent = request.headers()["authorization"].clone();
    ///         Ok::<_, std::convert::Infallible>(Response::new(sent))
    ///     }));
    /// let request = Request::get("https://api.example.com/v1").body(Upload)?;
    /// assert_eq!(client.oneshot(request).await?.body(), "Bearer sk-1");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Without `replay`, the same program does not compile. The error is "a body of type `Upload`
    /// cannot be kept for a second attempt", with notes on what to do:
    ///
    /// ```compile_fail,E0277
    /// use http::{Request, Response};
    /// use tower::{Layer, service_fn};
    /// use tower_rotating_auth::{Secret, outbound::{Credential, InjectKeyLayer, RotatingCredential}};
    ///
    /// struct Upload; // does not implement `Clone`
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let client = InjectKeyLayer::new("https://api.example.com", key)?
    ///     .layer(service_fn(async |request: Request<Upload>| {
    ///         let sent = request.headers()["authorization"].clone();
    ///         Ok::<_, std::convert::Infallible>(Response::new(sent))
    ///     }));
    /// let request = Request::get("https://api.example.com/v1").body(Upload)?;
    /// assert_eq!(client.oneshot(request).await?.body(), "Bearer sk-1");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the inner service's error.
    pub async fn oneshot<Req>(mut self, request: Req) -> Result<S::Response, S::Error>
    where
        X: RequestAdapter<Req> + ClassifyRejection<S::Response, S::Error>,
        S: Service<X::Sent> + Clone,
    {
        poll_fn(|cx| Service::<Req>::poll_ready(&mut self, cx)).await?;
        let answer = self.call(request);
        drop(self); // what the instance holds of the inner service is not kept until the answer
        answer.await
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
        let shared = self.shared.get();
        let selected = shared.credential_for(&mut request);
        if let Some(refreshing) = shared.awaited(selected.as_ref()) {
            // Drops the ready instance: others can use what it has reserved while the request
            // waits.
            let not_ready = self.inner.clone();
            drop(replace(&mut self.inner, not_ready.clone()));
            return ResponseFuture::held(refreshing, not_ready, Arc::clone(shared), request);
        }
        ResponseFuture::send(&mut self.inner, shared, request, selected)
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
            .field("config", &self.shared.get().config)
            .finish_non_exhaustive()
    }
}

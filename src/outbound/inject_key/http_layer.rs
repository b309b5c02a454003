//! The options of a layer for `http::Request`.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use super::layer::InjectKeyLayer;
use crate::outbound::adapter::{ExtendedConnect, HttpAdapter};
use crate::outbound::inject_key_once::InjectKeyOnceLayer;

impl<R: Clone> InjectKeyLayer<HttpAdapter<R>> {
    /// Sets how a body is kept for the replay. Defaults to
    /// [`CloneBody`](crate::outbound::replay::CloneBody).
    ///
    /// Takes a [`BufferBody`](crate::outbound::replay::BufferBody) for bodies that stream, a
    /// closure `Fn(&B) -> Option<B>`, or any other [`Replay`](crate::outbound::replay::Replay).
    pub fn replay<Q>(self, replay: Q) -> InjectKeyLayer<HttpAdapter<Q>> {
        InjectKeyLayer {
            config: self.config,
            adapter: Arc::new(Arc::unwrap_or_clone(self.adapter).with_replay(replay)),
        }
    }

    /// Counts another status as a rejection, such as `403`, besides `401` and gRPC's
    /// `UNAUTHENTICATED`.
    ///
    /// With `401` itself, a 401 counts whatever the schemes of its challenges are.
    pub fn rejected_by(self, status: StatusCode) -> Self {
        Self {
            config: self.config,
            adapter: Arc::new(Arc::unwrap_or_clone(self.adapter).or_status(status)),
        }
    }

    /// Injects the key into extended CONNECT requests
    /// ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441#section-4)), too, such as those that open
    /// a WebSocket over HTTP/2.
    ///
    /// `P` is the extension of the request that carries its `:protocol`: `hyper::ext::Protocol`
    /// with hyper. The request's version must be HTTP/2 or HTTP/3, since clients send a CONNECT of
    /// HTTP/1.1 as one for a tunnel, whatever its extensions.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, Response, Version};
    /// use hyper::ext::Protocol;
    /// use tower::{Layer, service_fn};
    /// use tower_rotating_auth::{Secret, outbound::{RotatingCredential, Credential, InjectKeyLayer}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let client = InjectKeyLayer::new("https://api.example.com", key)?
    ///     .allow_extended_connect::<Protocol>()
    ///     .layer(service_fn(async |request: Request<()>| {
    ///         Ok::<_, std::convert::Infallible>(Response::new(request.into_parts().0.headers))
    ///     }));
    /// let url = "https://api.example.com/v1/realtime";
    /// let connect = Request::connect(url).version(Version::HTTP_2);
    ///
    /// let websocket = connect.extension(Protocol::from_static("websocket")).body(())?;
    /// let sent = client.clone().oneshot(websocket).await?;
    /// assert_eq!(sent.body()["authorization"], "Bearer sk-1");
    ///
    /// let tunnel = Request::connect(url).version(Version::HTTP_2).body(())?;
    /// assert!(client.oneshot(tunnel).await?.body().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_extended_connect<P: Send + Sync + 'static>(self) -> Self {
        let marked = ExtendedConnect::marked_by::<P>();
        Self {
            config: self.config,
            adapter: Arc::new(Arc::unwrap_or_clone(self.adapter).with_extended_connect(marked)),
        }
    }

    /// Counts responses for which `rule` returns `true` as inconclusive: they neither reject the
    /// key nor prove it.
    ///
    /// Use this for responses that come from something in front of the upstream, such as a firewall
    /// that answers 401 by itself. [`Rejection`](crate::outbound::adapter::Rejection) lists what
    /// counts by default. For a rule that needs the request, see
    /// [`Verdict`](crate::outbound::adapter::Verdict).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use tower_rotating_auth::{Secret, outbound::{RotatingCredential, Credential, InjectKeyLayer}};
    /// # let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let inject = InjectKeyLayer::new("https://api.example.com", key)?
    ///     .inconclusive_if(|_, headers| headers.contains_key("x-firewall"));
    /// # drop(inject);
    /// # Ok(())
    /// # }
    /// ```
    pub fn inconclusive_if(
        self,
        rule: impl Fn(StatusCode, &HeaderMap) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            config: self.config,
            adapter: Arc::new(Arc::unwrap_or_clone(self.adapter).inconclusive_if(rule)),
        }
    }

    /// Returns a layer that injects the key and passes every answer on, rejections too.
    ///
    /// The future is the inner service's own, and neither the inner service nor the body needs to
    /// be `Clone`. Each request carries the current key, even if the upstream has not accepted it
    /// yet.
    pub fn without_replay(self) -> InjectKeyOnceLayer {
        InjectKeyOnceLayer::new(self.config, self.adapter.extended_connect())
    }
}

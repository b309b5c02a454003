//! The connector, and the future of one connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::stream::{EarlyResponseStream, TIMEOUT};

/// A connection of an [`EarlyResponseConnector`] around a connection `S`.
///
/// Implements hyper's `rt::Read` and `rt::Write`, and hyper-util's
/// [`Connection`](hyper_util::client::legacy::connect::Connection), if `S` does.
///
/// [`TokioIo`] converts between hyper's traits and tokio's, in both directions.
pub type EarlyResponseIo<S> = TokioIo<EarlyResponseStream<TokioIo<S>>>;

/// A connector whose connections hold a write error back while a response may still be read.
///
/// Wraps the connector of a client, below TLS. See the [module](super) for when that matters, and
/// [`EarlyResponseStream`] for what a connection does.
///
/// # Examples
///
/// With TLS, by `hyper-rustls`:
///
/// ```
/// use hyper_rustls::HttpsConnectorBuilder;
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use tower_rotating_auth::outbound::connect::EarlyResponseConnector;
///
/// # use rustls::{ClientConfig, RootCertStore, crypto::ring};
/// # let tls_config = ClientConfig::builder_with_provider(ring::default_provider().into())
/// #     .with_safe_default_protocol_versions()
/// #     .unwrap()
/// #     .with_root_certificates(RootCertStore::empty())
/// #     .with_no_client_auth();
/// let mut tcp = HttpConnector::new();
/// tcp.enforce_http(false); // TLS is added outside
/// let connector = HttpsConnectorBuilder::new()
///     .with_tls_config(tls_config)
///     .https_or_http()
///     .enable_all_versions()
///     .wrap_connector(EarlyResponseConnector::new(tcp));
/// # use bytes::Bytes;
/// # use http_body_util::Full;
/// # use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// let client = Client::builder(TokioExecutor::new()).build(connector);
/// # let client: Client<_, Full<Bytes>> = client;
/// # drop(client);
/// ```
///
/// With tonic:
///
/// ```
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use tonic::transport::Endpoint;
/// use tower_rotating_auth::outbound::connect::EarlyResponseConnector;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let connector = EarlyResponseConnector::new(HttpConnector::new());
/// let channel = Endpoint::from_static("http://127.0.0.1:50051").connect_with_connector_lazy(connector);
/// # drop(channel);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EarlyResponseConnector<C> {
    inner: C,
    timeout: Duration,
}

impl<C> EarlyResponseConnector<C> {
    /// Wraps a connector. The timeout is 500 ms.
    pub const fn new(inner: C) -> Self {
        Self {
            inner,
            timeout: TIMEOUT,
        }
    }

    /// Sets how long a connection holds the error of a write. Defaults to 500 ms.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<C, T> Service<T> for EarlyResponseConnector<C>
where
    C: Service<T>,
{
    type Response = EarlyResponseIo<C::Response>;
    type Error = C::Error;
    type Future = ConnectFuture<C::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, target: T) -> Self::Future {
        ConnectFuture {
            inner: self.inner.call(target),
            timeout: self.timeout,
        }
    }
}

pin_project! {
    /// The future of one connection, returned by [`EarlyResponseConnector`].
    #[derive(Debug)]
    #[must_use]
    pub struct ConnectFuture<F> {
        #[pin]
        inner: F,
        timeout: Duration,
    }
}

impl<F, S, E> Future for ConnectFuture<F>
where
    F: Future<Output = Result<S, E>>,
{
    type Output = Result<EarlyResponseIo<S>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let stream = TokioIo::new(ready!(this.inner.poll(cx))?);
        let stream = EarlyResponseStream::new(stream).timeout(*this.timeout);
        Poll::Ready(Ok(TokioIo::new(stream)))
    }
}

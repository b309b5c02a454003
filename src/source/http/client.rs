//! The client that asks an endpoint.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};

use bytes::Buf as _;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tower_service::Service;
use zeroize::Zeroizing;

use super::body::RequestBody;
use super::default_client::DefaultClient;
use crate::box_error::BoxError;
use crate::source::error::SourceError;

/// The longest body that is read, in bytes.
const LONGEST: usize = 64 * 1024;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The HTTP client of a source.
///
/// The default is hyper-util's client with rustls and the root certificates of the system. It
/// follows no redirects, needs the system's resolver and nothing else, and opens a connection for
/// each fetch.
///
/// Any Tower service can take its place, such as one with a proxy or a client certificate:
///
/// ```
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// use tower_rotating_auth::source::{HttpClient, HttpSource, SourceError};
///
/// let client = Client::builder(TokioExecutor::new()).build_http();
/// let source = HttpSource::new("http://127.0.0.1:8080/key")?.client(HttpClient::new(client));
/// # let _ = source;
/// # Ok::<_, SourceError>(())
/// ```
///
/// Such a service must not follow redirects, or it carries the headers of a request to wherever it
/// is sent. Its errors are logged: they must not contain a secret. Never pass a service that sends
/// the key which this source fetches.
pub struct HttpClient(Kind);

enum Kind {
    Default(DefaultClient),
    Own(Box<dyn Call>),
}

impl HttpClient {
    /// Creates a client that sends requests through this service.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send,
        B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        Self(Kind::Own(Box::new(Own(service))))
    }

    /// Creates the default client, which trusts these certificates instead of the system's.
    ///
    /// `pem` holds one certificate or more, in PEM.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] if there is no certificate, or one
    /// that cannot be used.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    pub fn with_root_certificates(pem: &[u8]) -> Result<Self, SourceError> {
        DefaultClient::trusting(pem).map(|client| Self(Kind::Default(client)))
    }

    /// Sends a request and reads the whole response.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Answer, SourceError> {
        match &mut self.0 {
            Kind::Default(client) => {
                let client = client.connected().await?;
                exchange(client, request).await
            }
            Kind::Own(service) => service.call(request).await,
        }
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self(Kind::Default(DefaultClient::default()))
    }
}

impl Clone for HttpClient {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Kind::Default(client) => Kind::Default(client.clone()),
            Kind::Own(service) => Kind::Own(service.boxed_clone()),
        })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// A response whose body was read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// The object-safe form of a service whose response is read.
trait Call: Send {
    fn call(&mut self, request: Request<RequestBody>) -> BoxFuture<Result<Answer, SourceError>>;
    fn boxed_clone(&self) -> Box<dyn Call>;
}

struct Own<S>(S);

impl<S, B> Call for Own<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    fn call(&mut self, request: Request<RequestBody>) -> BoxFuture<Result<Answer, SourceError>> {
        Box::pin(exchange(self.0.clone(), request))
    }

    fn boxed_clone(&self) -> Box<dyn Call> {
        Box::new(Self(self.0.clone()))
    }
}

async fn exchange<S, B>(
    mut service: S,
    request: Request<RequestBody>,
) -> Result<Answer, SourceError>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>>,
{
    let sent = async {
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    };
    let failed = |error: S::Error| {
        SourceError::transient("the endpoint could not be reached").with_source(error)
    };
    let (head, body) = sent.await.map_err(failed)?.into_parts();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: read(body).await?,
    })
}

/// Reads a body that is not longer than allowed.
async fn read<B>(body: B) -> Result<Zeroizing<Vec<u8>>, SourceError>
where
    B: Body<Error: Into<BoxError>>,
{
    let too_long = || {
        SourceError::invalid(format!(
            "the endpoint answered with more than {LONGEST} bytes"
        ))
    };
    if body.size_hint().lower() > LONGEST as u64 {
        return Err(too_long());
    }
    let mut body = pin!(body);
    // At full length from the start: growing would leave unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|error| {
            SourceError::transient("the answer of the endpoint broke off").with_source(error)
        })?;
        // Trailers say nothing here.
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        if data.remaining() > LONGEST - bytes.len() {
            return Err(too_long());
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            bytes.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    Ok(bytes)
}

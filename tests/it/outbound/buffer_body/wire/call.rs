//! The caller's side: a request with the old key, when there is a new one already.

use http::{HeaderMap, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, Layer, Service};
use tower_rotating_auth::{
    Secret,
    outbound::replay::{BufferBody, ReplayBody},
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
};

use super::server::Protocol;

pub(super) type Answer = Result<Response<Incoming>, Error>;

pub(super) type HttpClient<B> = Client<HttpConnector, ReplayBody<B>>;

pub(super) fn client<B>(protocol: Protocol) -> HttpClient<B>
where
    B: Body<Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .http2_only(protocol == Protocol::Http2)
        .build(tcp)
}

/// Sends a body, and records up to `limit` bytes of it.
pub(super) fn upload<B>(
    client: HttpClient<B>,
    url: &str,
    limit: usize,
    body: B,
) -> impl Future<Output = Answer> + Send + use<B>
where
    B: Body<Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let bearer = |key: &str| Credential::bearer(&Secret::from(key)).unwrap();
    let (key, mut publisher) = RotatingCredential::manual(bearer("old"));
    let inject = InjectKeyLayer::new(url, key).unwrap();
    let mut client = inject.replay(BufferBody::new(limit)).layer(client);
    let request = Request::post(url).header("trailer", "checksum").body(body);
    let answer = client.call(request.unwrap()); // hyper's client is always ready
    publisher.publish(bearer("new"));
    answer
}

pub(super) fn trailers() -> HeaderMap {
    HeaderMap::from_iter([("checksum".parse().unwrap(), "7".parse().unwrap())])
}

//! The caller: hyper-util's client, with and without the connector under test.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Iter};
use http::header::CONTENT_LENGTH;
use http::{Request, Response, StatusCode, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error, connect::Connect};
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tower::util::BoxCloneService;
use tower::{BoxError, Service, ServiceExt};
use tower_rotating_auth::outbound::connect::EarlyResponseConnector;

use super::server::{Protocol, Server};

const PIECE: usize = 64 * 1024;

type Piece = Result<Frame<Bytes>, Infallible>;
type Upload = StreamBody<Iter<std::vec::IntoIter<Piece>>>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Connector {
    Plain,
    EarlyResponse(Duration),
}

impl Connector {
    /// The connector under test, as it comes.
    pub(super) const HELD: Self = Self::EarlyResponse(Duration::from_millis(500));
}

/// A client for one server.
#[derive(Clone)]
pub(super) struct Caller {
    client: BoxCloneService<Request<Upload>, Response<Incoming>, Error>,
    url: String,
}

impl Caller {
    pub(super) fn new(server: &Server, protocol: Protocol, connector: Connector) -> Self {
        Self::at(
            server.address,
            server.certificate.as_ref(),
            protocol,
            connector,
        )
    }

    /// With a certificate, the connection is made by TLS.
    pub(super) fn at(
        address: SocketAddr,
        certificate: Option<&CertificateDer<'static>>,
        protocol: Protocol,
        connector: Connector,
    ) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let client = match connector {
            Connector::Plain => client(certificate, protocol, tcp),
            Connector::EarlyResponse(timeout) => {
                let tcp = EarlyResponseConnector::new(tcp).timeout(timeout);
                client(certificate, protocol, tcp)
            }
        };
        let scheme = certificate.map_or("http", |_| "https");
        let url = format!("{scheme}://{address}/files");
        Self { client, url }
    }

    /// Sends a request without a body.
    pub(super) async fn get(&self) {
        let request = Request::get(&self.url).body(pieces(0)).unwrap();
        let response = self.client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body().collect().await.unwrap();
    }

    /// Sends an upload of so many bytes. Returns the response.
    pub(super) async fn upload(&self, length: usize) -> Result<(StatusCode, Bytes), BoxError> {
        let request = Request::post(&self.url)
            .header("authorization", "Bearer dead")
            .header(CONTENT_LENGTH, length)
            .body(pieces(length))
            .unwrap();
        let response = self.client.clone().oneshot(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// As much as the largest upload. All share it: copies of it would fill the memory.
static CONTENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![b'x'; 20_000_000]));

fn pieces(length: usize) -> Upload {
    let content = CONTENT.slice(..length);
    let pieces = content
        .chunks(PIECE)
        .map(|piece| Ok(Frame::data(content.slice_ref(piece))));
    StreamBody::new(stream::iter(pieces.collect::<Vec<_>>()))
}

fn client<C>(
    certificate: Option<&CertificateDer<'static>>,
    protocol: Protocol,
    tcp: C,
) -> BoxCloneService<Request<Upload>, Response<Incoming>, Error>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
    hyper_rustls::HttpsConnector<C>: Connect + Clone + Send + Sync + 'static,
{
    let mut roots = RootCertStore::empty();
    if let Some(certificate) = certificate {
        roots.add(certificate.clone()).unwrap();
    }
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    let connector = match protocol {
        Protocol::Http1 => tls.enable_http1().wrap_connector(tcp),
        Protocol::Http2 => tls.enable_http2().wrap_connector(tcp),
    };
    let client = Client::builder(TokioExecutor::new())
        .http2_only(protocol == Protocol::Http2)
        .build(connector);
    BoxCloneService::new(client)
}

//! The HTTP client for the upstream.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HOST, UPGRADE};
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tower::Service;
use tower_rotating_auth::outbound::connect::EarlyResponseConnector;
use tower_rotating_auth::outbound::connect::expect_continue::ExpectContinueBody;
use tower_rotating_auth::outbound::replay::ReplayBody;

use super::address::base_url::Base;
use super::body::replay::Budgeted;
use super::body::upload::Upload;
use super::connector::Connector;
use super::trusted_ca::TrustedCa;
use crate::error::Error;

/// How long a connection may be idle and still be reused. The upstream may close it any time later.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Limit of connections that are idle. After a peak, the rest are closed at once.
const IDLE_CONNECTIONS: usize = 64;
/// A body that the key's layer and that for lost responses keep, and that waits for the upstream.
type UpstreamBody = ExpectContinueBody<ReplayBody<Budgeted<Upload>>>;

type HttpClient = Client<HttpsConnector<EarlyResponseConnector<Connector>>, UpstreamBody>;

/// The clients for an upstream. Clones are cheap: each layer makes one for each request.
#[derive(Clone, Debug)]
pub(crate) struct Clients(Arc<Both>);

#[derive(Debug)]
struct Both {
    any_version: HttpClient,
    /// For upgrades, which HTTP/2 has only if the upstream takes an extended CONNECT.
    http1: HttpClient,
    /// The `Host` of requests over HTTP/1.1, if the upstream speaks no other version. hyper would
    /// format it for each: 2,700 of 121,000 instructions.
    host: Option<HeaderValue>,
}

impl Service<Request<UpstreamBody>> for Clients {
    type Response = Response<Incoming>;
    type Error = hyper_util::client::legacy::Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(())) // as the clients themselves
    }

    fn call(&mut self, mut request: Request<UpstreamBody>) -> ResponseFuture {
        if let Some(host) = &self.0.host {
            request.headers_mut().insert(HOST, host.clone());
        }
        match request.headers().contains_key(UPGRADE) {
            true => self.0.http1.request(request),
            false => self.0.any_version.request(request),
        }
    }
}

/// Creates clients for HTTP/1.1, and for HTTP/2 if the upstream negotiates it by ALPN. `ca` has
/// the certificates to trust instead of the system's, and `identity` the one to present.
pub(crate) fn connect(
    upstream: &Base,
    ca: Option<&TrustedCa>,
    identity: Option<Arc<dyn ResolvesClientCert>>,
) -> Result<Clients, Error> {
    let config = tls_config(upstream, ca, identity)?;
    let tls = |config| {
        let tls = HttpsConnectorBuilder::new().with_tls_config(config);
        let tls = if upstream.is_https() {
            tls.https_only()
        } else {
            tls.https_or_http()
        };
        tls.enable_http1()
    };
    // An upstream may reject an upload by its headers and close the connection.
    let connector = EarlyResponseConnector::new(Connector::new(upstream.socket()));
    // Without TLS there is no ALPN, and so no HTTP/2.
    let host = (!upstream.is_https()).then(|| upstream.host_header());
    Ok(Clients(Arc::new(Both {
        host: host.flatten(),
        http1: client(tls(config.clone()).wrap_connector(connector.clone())),
        any_version: client(tls(config).enable_http2().wrap_connector(connector)),
    })))
}

fn client(connector: HttpsConnector<EarlyResponseConnector<Connector>>) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .build(connector)
}

/// Returns which certificates to trust: none for an upstream without TLS.
fn tls_config(
    upstream: &Base,
    ca: Option<&TrustedCa>,
    identity: Option<Arc<dyn ResolvesClientCert>>,
) -> Result<ClientConfig, Error> {
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::start(format!("cannot set up TLS: {error}")))?;
    let config = match (upstream.is_https(), ca) {
        (false, _) => config.with_root_certificates(RootCertStore::empty()),
        (true, Some(ca)) => config.with_root_certificates(ca.roots()),
        (true, None) => config.with_native_roots().map_err(|error| {
            Error::start(format!(
                "cannot load the system's root certificates: {error}"
            ))
        })?,
    };
    Ok(match identity {
        Some(identity) => {
            let mut config = config.with_client_cert_resolver(identity);
            // A resumed session has the identity of the first, which may have been renewed since.
            config.resumption = Resumption::disabled();
            config
        }
        None => config.with_no_client_auth(),
    })
}

//! The HTTP client for the upstream.

use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tower_rotating_auth::outbound::connect::EarlyResponseConnector;
use tower_rotating_auth::outbound::connect::expect_continue::ExpectContinueBody;
use tower_rotating_auth::outbound::replay::ReplayBody;

use super::address::base_url::Base;
use super::body::replay::Budgeted;
use super::body::upload::Upload;
use crate::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be idle and still be reused. The upstream may close it any time later.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Limit of connections that are idle. After a peak, the rest are closed at once.
const IDLE_CONNECTIONS: usize = 64;
/// A body that the key's layer and that for lost responses keep, and that waits for the upstream.
type UpstreamBody = ExpectContinueBody<ReplayBody<Budgeted<Upload>>>;

pub(crate) type HttpClient =
    Client<HttpsConnector<EarlyResponseConnector<HttpConnector>>, UpstreamBody>;

/// Creates a client for HTTP/1.1, and for HTTP/2 if the upstream negotiates it by ALPN.
pub(crate) fn connect(upstream: &Base) -> Result<HttpClient, Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(Duration::from_secs(60)));

    let tls = HttpsConnectorBuilder::new();
    let tls = if upstream.is_https() {
        tls.with_provider_and_native_roots(ring::default_provider())
            .map_err(|error| {
                Error::start(format!(
                    "cannot load the system's root certificates: {error}"
                ))
            })?
            .https_only()
    } else {
        tls.with_tls_config(no_roots()?).https_or_http()
    };
    // An upstream may reject an upload by its headers and close the connection.
    let tcp = EarlyResponseConnector::new(tcp);
    let connector = tls.enable_http1().enable_http2().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .build(connector))
}

/// Returns a configuration without root certificates, for a loopback upstream without TLS.
fn no_roots() -> Result<ClientConfig, Error> {
    let provider = ring::default_provider().into();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::start(format!("cannot set up TLS: {error}")))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}

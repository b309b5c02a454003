//! The connections to the upstream.

use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tower_rotating_auth::outbound::replay::ReplayBody;

use super::base_url::Base;
use super::upload::Upload;
use crate::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that were idle for longer are not used again: an upstream may be about to close them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, ReplayBody<Upload>>;

/// A client for HTTP/1.1 and, where the upstream offers it in its handshake, HTTP/2.
pub(crate) fn connect(upstream: &Base) -> Result<HttpClient, Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(Duration::from_secs(60)));

    let tls = HttpsConnectorBuilder::new();
    let tls = if upstream.is_https() {
        tls.with_provider_and_native_roots(ring::default_provider())
            .map_err(|error| Error::start(format!("no root certificates: {error}")))?
            .https_only()
    } else {
        tls.with_tls_config(trusts_nobody()?).https_or_http()
    };
    let connector = tls.enable_http1().enable_http2().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .build(connector))
}

/// For an upstream on this machine, without TLS: reading the system's certificates would be in vain.
fn trusts_nobody() -> Result<ClientConfig, Error> {
    let provider = ring::default_provider().into();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::start(format!("no TLS: {error}")))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}

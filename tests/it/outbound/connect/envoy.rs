//! Envoy in front of an upstream, as another proxy that forwards uploads.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::client::{Caller, Connector};
use super::server::{Protocol, Server};

/// A running Envoy. Dropping it kills it.
pub(super) struct Envoy {
    address: SocketAddr,
    _config: TempDir,
    _child: Child,
}

impl Envoy {
    /// Starts it in front of a server that speaks `protocol`. Returns when it listens.
    pub(super) async fn start(program: &str, server: &Server, protocol: Protocol) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let config = tempfile::tempdir().unwrap();
        let file = config.path().join("envoy.json");
        let content = configuration(address, server.address, protocol).to_string();
        std::fs::write(&file, content).unwrap();
        let child = Command::new(program)
            .args(["--disable-hot-restart", "--concurrency", "1"])
            .args(["-l", "error", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
        Self {
            address,
            _config: config,
            _child: child,
        }
    }

    /// Returns a client that loses no response of Envoy's.
    pub(super) fn caller(&self) -> Caller {
        Caller::at(self.address, None, Protocol::Http1, Connector::HELD)
    }
}

fn configuration(
    address: SocketAddr,
    upstream: SocketAddr,
    protocol: Protocol,
) -> serde_json::Value {
    let socket = |address: SocketAddr| {
        let (ip, port) = (address.ip().to_string(), address.port());
        json!({"socket_address": {"address": ip, "port_value": port}})
    };
    let upstream_protocol = match protocol {
        Protocol::Http1 => json!({"http_protocol_options": {}}),
        Protocol::Http2 => json!({"http2_protocol_options": {}}),
    };
    let route = json!({"match": {"prefix": "/"}, "route": {"cluster": "upstream"}});
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network\
            .http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "uploads",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
    });
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": manager,
    });
    let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": upstream_protocol,
    }});
    let endpoint = json!({"endpoint": {"address": socket(upstream)}});
    json!({"static_resources": {
        "listeners": [{"address": socket(address), "filter_chains": [{"filters": [manager]}]}],
        "clusters": [{
            "name": "upstream",
            "typed_extension_protocol_options": options,
            "load_assignment": {
                "cluster_name": "upstream",
                "endpoints": [{"lb_endpoints": [endpoint]}],
            },
        }],
    }})
}

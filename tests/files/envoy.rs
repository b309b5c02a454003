//! Envoy, which injects a key from a file into requests.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::support::program;

/// A running Envoy. Dropping it kills it.
pub(crate) struct Envoy {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    _child: Child,
}

impl Envoy {
    /// Starts it in front of an upstream. Returns when it listens.
    pub(crate) async fn start(upstream: SocketAddr, key: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let folder = tempdir().unwrap();
        let watched = folder.path().join("sds");
        fs::create_dir(&watched).unwrap();
        let secret = watched.join("key.json");
        fs::write(&secret, secret_file(key)).unwrap();
        let config = folder.path().join("envoy.json");
        fs::write(
            &config,
            configuration(address, upstream, &secret).to_string(),
        )
        .unwrap();
        let child = Command::new(program("ENVOY"))
            .args(["--disable-hot-restart", "--concurrency", "1"])
            .args(["-l", "error", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
        Self {
            address,
            folder,
            _child: child,
        }
    }

    /// Prepares the next key, which is renamed into the watched folder when the result is called.
    pub(crate) fn next(&self, key: &str) -> impl FnOnce() + use<> {
        let next = self.folder.path().join("next.json");
        fs::write(&next, secret_file(key)).unwrap();
        let file = self.folder.path().join("sds/key.json");
        move || fs::rename(next, file).unwrap()
    }
}

fn secret_file(key: &str) -> String {
    let secret = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": "key",
        "generic_secret": {"secret": {"inline_string": format!("Bearer {key}")}},
    });
    json!({"resources": [secret]}).to_string()
}

fn configuration(address: SocketAddr, upstream: SocketAddr, secret: &PathBuf) -> Value {
    let socket = |address: SocketAddr| {
        let (ip, port) = (address.ip().to_string(), address.port());
        json!({"socket_address": {"address": ip, "port_value": port}})
    };
    let injected = json!({
        "@type": "type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic",
        "header": "Authorization",
        "credential": {"name": "key", "sds_config": {"path_config_source": {
            "path": secret, "watched_directory": {"path": secret.parent()}}}},
    });
    let injector = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http\
            .credential_injector.v3.CredentialInjector",
        "overwrite": true,
        "credential": {"name": "envoy.http.injected_credentials.generic", "typed_config": injected},
    });
    let router = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"});
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network\
            .http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "keys",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}]}]},
        "http_filters": [
            {"name": "envoy.filters.http.credential_injector", "typed_config": injector},
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
    });
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": manager,
    });
    let endpoint = json!({"endpoint": {"address": socket(upstream)}});
    json!({"static_resources": {
        "listeners": [{"address": socket(address), "filter_chains": [{"filters": [manager]}]}],
        "clusters": [{
            "name": "upstream",
            "load_assignment": {
                "cluster_name": "upstream",
                "endpoints": [{"lb_endpoints": [endpoint]}],
            },
        }],
    }})
}

//! Servers behind the gateway. Each writes a line for every request that it runs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::harness::closed_port;
use crate::program;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Node,
}

/// A running server. It is killed when this is dropped.
pub(crate) struct Backend {
    folder: TempDir,
    pub(crate) address: SocketAddr,
    _process: Child,
}

/// How often, every 10 ms, to look whether a server has started.
const LOOKS: usize = 1000;

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Nginx, Self::Haproxy, Self::Node];

    fn command(self, folder: &Path, port: u16) -> Command {
        let at = |name: &str| folder.join(name);
        let shown = folder.display();
        match self {
            Self::Nginx => {
                fs::write(at("nginx.conf"), nginx(&shown.to_string(), port)).unwrap();
                let mut command = Command::new(program("NGINX"));
                command.env_remove("NGINX"); // means something else to it
                command.arg("-e").arg(at("error.log"));
                command
                    .arg("-p")
                    .arg(folder)
                    .arg("-c")
                    .arg(at("nginx.conf"));
                command
            }
            Self::Haproxy => {
                fs::write(at("haproxy.cfg"), haproxy(port)).unwrap();
                let mut command = Command::new(program("HAPROXY"));
                command.arg("-db").arg("-f").arg(at("haproxy.cfg"));
                command
            }
            Self::Node => {
                let mut command = Command::new(program("NODE"));
                command.args(["-e", NODE, &port.to_string()]);
                command
            }
        }
    }
}

impl Backend {
    pub(crate) async fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = closed_port().await;
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = kind
            .command(folder.path(), address.port())
            .stdin(Stdio::null())
            .stdout(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{kind:?} does not start: {error}"));
        for _ in 0..LOOKS {
            if TcpStream::connect(address).await.is_ok() {
                return Self {
                    folder,
                    address,
                    _process: process,
                };
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{kind:?} does not listen");
    }

    /// The requests that it ran: the line of each, its `Authorization` and its `X-Original-Url`.
    pub(crate) fn ran(&self) -> Vec<String> {
        let text = fs::read(self.folder.path().join("log")).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        // HAProxy writes a line for what it does not take for a request, too.
        let is_request = |line: &&str| line.contains('|') && !line.starts_with("<BADREQ>");
        let requests = text.lines().filter(is_request);
        requests.map(str::to_owned).collect()
    }
}

fn nginx(folder: &str, port: u16) -> String {
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\nhttp {{\n\
         client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi;\nuwsgi_temp_path {folder}/uwsgi;\n\
         scgi_temp_path {folder}/scgi;\n\
         log_format ran '$request|$http_authorization|$http_x_original_url';\n\
         access_log /dev/stdout ran;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ return 200 ok; }} }}\n}}\n"
    )
}

// One thread, since two that log at once would drop a line.
fn haproxy(port: u16) -> String {
    format!(
        "global\n  log stdout format raw local0\n  nbthread 1\ndefaults\n  mode http\n  log global\n\
         \x20 timeout client 5s\n  timeout http-request 5s\n\
         frontend f\n  bind 127.0.0.1:{port}\n\
         \x20 http-request capture req.hdr(authorization) len 128\n\
         \x20 http-request capture req.hdr(x-original-url) len 128\n\
         \x20 log-format \"%HM %HU|%[capture.req.hdr(0)]|%[capture.req.hdr(1)]\"\n\
         \x20 http-request return status 200 content-type text/plain string ok\n"
    )
}

const NODE: &str = r#"
const http = require("node:http");
http.createServer((request, response) => {
  const { method, url, headers } = request;
  const key = headers.authorization ?? "";
  process.stdout.write(`${method} ${url}|${key}|${headers["x-original-url"] ?? ""}\n`);
  request.resume();
  request.on("end", () => response.end("ok"));
}).listen(Number(process.argv[1]), "127.0.0.1");
"#;

//! HAProxy as an upstream that checks bearer keys by a map, which changes at run time.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// A path that HAProxy answers with 401, whatever the key.
pub(crate) const NEVER: &str = "/never";

/// How often, every 10 ms, to look whether HAProxy has started.
const LOOKS: usize = 1000;

/// A running HAProxy. It is killed when this is dropped.
pub(crate) struct Haproxy {
    folder: TempDir,
    _process: Child,
}

/// The answers that HAProxy has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) accepted: u32,
    pub(crate) rejected: u32,
}

impl Haproxy {
    /// Starts HAProxy with one valid key.
    pub(crate) async fn start(key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("keys.map"), format!("{key} 1\n")).unwrap();
        fs::write(at("haproxy.cfg"), config(folder.path())).unwrap();
        let program = env::var_os("HAPROXY").unwrap_or_else(|| "haproxy".into());
        let process = Command::new(&program)
            .arg("-f")
            .arg(at("haproxy.cfg"))
            .arg("-db") // stays in the foreground
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{program:?} does not start: {error}"));
        let haproxy = Self {
            folder,
            _process: process,
        };
        for _ in 0..LOOKS {
            if UnixStream::connect(haproxy.http_socket()).await.is_ok() {
                return haproxy;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("HAProxy does not listen");
    }

    /// Returns the path of the Unix socket that takes HTTP.
    pub(crate) fn http_socket(&self) -> PathBuf {
        self.folder.path().join("http.sock")
    }

    fn map(&self) -> PathBuf {
        self.folder.path().join("keys.map")
    }

    /// Accepts `key` from now on, and no other, in one step.
    pub(crate) async fn replace(&self, key: &str) {
        let map = self.map();
        let map = map.display();
        let prepared = self.command(&format!("prepare map {map}")).await;
        let version = prepared.trim().rsplit(' ').next().unwrap();
        self.change(&format!("add map @{version} {map} {key} 1"))
            .await;
        self.change(&format!("commit map @{version} {map}")).await;
    }

    /// Accepts `key` as well from now on.
    pub(crate) async fn add(&self, key: &str) {
        let map = self.map();
        self.change(&format!("add map {} {key} 1", map.display()))
            .await;
    }

    /// Rejects `key` from now on.
    pub(crate) async fn remove(&self, key: &str) {
        let map = self.map();
        self.change(&format!("del map {} {key}", map.display()))
            .await;
    }

    /// Returns how HAProxy has answered so far.
    pub(crate) async fn answers(&self) -> Answers {
        let table = self.command("show stat").await;
        let mut rows = table.lines().map(|line| line.split(','));
        let (names, row) = (rows.next().unwrap(), rows.next().unwrap());
        let cells: Vec<_> = names.zip(row).collect();
        let cell = |name| {
            let (_, cell) = cells.iter().find(|(named, _)| *named == name).unwrap();
            cell.parse().unwrap()
        };
        Answers {
            accepted: cell("hrsp_2xx"),
            rejected: cell("hrsp_4xx"),
        }
    }

    async fn change(&self, command: &str) {
        let said = self.command(command).await;
        assert_eq!(said.trim(), "", "{command}");
    }

    /// Runs a command of the runtime API.
    async fn command(&self, command: &str) -> String {
        let socket = self.folder.path().join("admin.sock");
        let mut socket = UnixStream::connect(socket).await.unwrap();
        let line = format!("{command}\n");
        socket.write_all(line.as_bytes()).await.unwrap();
        let mut said = String::new();
        socket.read_to_string(&mut said).await.unwrap();
        said
    }
}

/// A connection never times out: HAProxy would close it under a request.
fn config(folder: &Path) -> String {
    let folder = folder.display();
    let rejection = concat!(
        "http-request return status 401 content-type application/json ",
        r#"hdr WWW-Authenticate 'Bearer error="invalid_token"' "#,
        r#"string '{"error":{"code":"invalid_api_key"}}'"#
    );
    format!(
        r#"global
  stats socket {folder}/admin.sock mode 600 level admin
  nbthread 1
  maxconn 4000
defaults
  mode http
  option http-buffer-request
  option http-ignore-probes
  timeout client 1h
  timeout server 1h
  timeout connect 2s
frontend api
  bind unix@{folder}/http.sock
  http-request set-var(txn.key) req.hdr(authorization),regsub("^Bearer ","")
  {rejection} if {{ path {NEVER} }}
  {rejection} unless {{ var(txn.key),map_str({folder}/keys.map) -m found }}
  http-request return status 200 content-type application/json string '{{"ok":true}}'
"#
    )
}

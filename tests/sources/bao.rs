//! A server of OpenBao, in its development mode or with a store on disk.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Server, free_port, installed, run};

/// A server with a store of KV version 2 at `secret`.
pub(crate) struct Bao {
    program: PathBuf,
    pub(crate) home: TempDir,
    port: u16,
    server: Option<Server>,
    /// The root token.
    pub(crate) token: String,
    /// The key that unseals a store on disk.
    unseal_key: Option<String>,
}

impl Bao {
    fn new(test: &str) -> Option<Self> {
        Some(Self {
            program: installed("BAO", test)?,
            home: tempfile::tempdir().unwrap(),
            port: free_port(),
            server: None,
            token: "root".to_owned(),
            unseal_key: None,
        })
    }

    /// Starts a server, unless OpenBao is not installed.
    pub(crate) async fn start(test: &str) -> Option<Self> {
        let mut bao = Self::new(test)?;
        bao.restart().await;
        Some(bao)
    }

    /// Starts a server that keeps its secrets on disk, unless OpenBao is not installed.
    pub(crate) async fn on_disk(test: &str) -> Option<Self> {
        let mut bao = Self::new(test)?;
        let folder = bao.home.path().join("raft");
        fs::create_dir(&folder).unwrap();
        let (port, cluster) = (bao.port, bao.port + 1);
        let config = format!(
            r#"
            storage "raft" {{
              path = "{}"
              node_id = "n1"
            }}
            listener "tcp" {{
              address = "127.0.0.1:{port}"
              cluster_address = "127.0.0.1:{cluster}"
              tls_disable = true
            }}
            api_addr = "http://127.0.0.1:{port}"
            cluster_addr = "https://127.0.0.1:{cluster}"
            "#,
            folder.display()
        );
        fs::write(bao.home.path().join("bao.hcl"), config).unwrap();
        bao.restart_sealed().await;
        let init = "operator init -key-shares=1 -key-threshold=1 -format=json";
        let init: Vec<_> = init.split(' ').collect();
        let secrets: serde_json::Value = serde_json::from_str(&bao.bao(&init)).unwrap();
        let text = |pointer| {
            secrets
                .pointer(pointer)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        bao.token = text("/root_token");
        bao.unseal_key = Some(text("/unseal_keys_b64/0"));
        bao.unseal();
        let enable = ["secrets", "enable", "-version=2", "-path=secret", "kv"];
        while !bao
            .command()
            .args(enable)
            .output()
            .unwrap()
            .status
            .success()
        {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Some(bao)
    }

    /// Starts a server with a store on disk again, which is sealed.
    pub(crate) async fn restart_sealed(&mut self) {
        let mut command = self.command();
        let config = self.home.path().join("bao.hcl").display().to_string();
        command.args(["server", &format!("-config={config}")]);
        self.server = Some(Server::start(&mut command, self.port).await);
    }

    pub(crate) fn unseal(&self) {
        let key = self.unseal_key.as_ref().unwrap();
        self.bao(&["operator", "unseal", key]);
    }

    /// Waits until it answers requests for secrets.
    pub(crate) async fn ready(&self) {
        while !self.is_ready() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Starts the server again, which has lost all that it knew.
    pub(crate) async fn restart(&mut self) {
        let listen = format!("-dev-listen-address=127.0.0.1:{}", self.port);
        let mut command = self.command();
        let dev = [
            "server",
            "-dev",
            "-dev-root-token-id=root",
            "-dev-no-store-token",
        ];
        command.args(dev).arg(listen);
        self.server = Some(Server::start(&mut command, self.port).await);
        self.ready().await; // it listens before
    }

    fn is_ready(&self) -> bool {
        let output = self.command().args(["secrets", "list"]).output().unwrap();
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("secret/")
    }

    pub(crate) fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns a command of OpenBao's own client.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("HOME", self.home.path())
            .env("BAO_ADDR", self.address())
            .env("BAO_TOKEN", &self.token);
        command
    }

    /// Runs OpenBao's own client, and returns what it prints.
    #[track_caller]
    pub(crate) fn bao(&self, args: &[&str]) -> String {
        run(&mut self.command(), args)
    }

    /// Makes a role of AppRole that may read `secret/openai`. Returns its id and a secret id.
    pub(crate) fn app_role(&self, settings: &[&str]) -> (String, String) {
        let policy = self.home.path().join("policy.hcl");
        let rules = r#"path "secret/data/openai" { capabilities = ["read"] }"#;
        fs::write(&policy, rules).unwrap();
        self.bao(&["auth", "enable", "approle"]);
        self.bao(&["policy", "write", "app", policy.to_str().unwrap()]);
        let role = ["write", "auth/approle/role/app", "token_policies=app"];
        self.bao(&[&role[..], settings].concat());
        let role_id = self.bao(&["read", "-field=role_id", "auth/approle/role/app/role-id"]);
        (role_id, self.secret_id())
    }

    pub(crate) fn secret_id(&self) -> String {
        self.bao(&[
            "write",
            "-force",
            "-field=secret_id",
            "auth/approle/role/app/secret-id",
        ])
    }
}

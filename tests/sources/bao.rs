//! A server of OpenBao in its development mode.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Server, free_port, installed, run};

/// A server with a store of KV version 2 at `secret`, whose root token is `root`.
pub(crate) struct Bao {
    program: PathBuf,
    pub(crate) home: TempDir,
    port: u16,
    server: Option<Server>,
}

impl Bao {
    /// Starts a server, unless OpenBao is not installed.
    pub(crate) async fn start(test: &str) -> Option<Self> {
        let program = installed("BAO", test)?;
        let mut bao = Self {
            program,
            home: tempfile::tempdir().unwrap(),
            port: free_port(),
            server: None,
        };
        bao.restart().await;
        Some(bao)
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
        // It listens before it is ready.
        while !self.is_ready() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
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
            .env("BAO_TOKEN", "root");
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

//! Tests of dynamic secrets: OpenBao makes roles in a PostgreSQL, and drops them with their lease.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating, Secret,
    source::{Source as _, SourceError, VaultAuth, VaultSource, source_fn},
};

use crate::bao::Bao;
use crate::process::{free_port, installed, run};

/// A PostgreSQL whose user `postgres` has the password `pw`.
struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    fn start(test: &str) -> Option<Self> {
        let programs = installed("POSTGRES_BIN", test)?;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        fs::write(at("password"), "pw").unwrap();
        if is_root() {
            run(&mut Command::new("chown"), &["-R", "postgres", &at("")]);
        }
        let postgres = Self {
            programs,
            folder,
            port,
        };
        let at = |name: &str| postgres.folder.path().join(name).display().to_string();
        let password = format!("--pwfile={}", at("password"));
        let init = [
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "--no-sync",
            &password,
            "-D",
        ];
        run(
            &mut postgres.server("initdb"),
            &[&init[..], &[&*at("data")]].concat(),
        );
        let options = format!("-h 127.0.0.1 -p {port} -k {} -c fsync=off", at(""));
        let start = [
            "start",
            "-w",
            "-D",
            &at("data"),
            "-l",
            &at("log"),
            "-o",
            &options,
        ];
        // It keeps its output open: the log is in a file.
        let started = postgres
            .server("pg_ctl")
            .args(start)
            .stdout(Stdio::null())
            .status();
        assert!(started.unwrap().success());
        Some(postgres)
    }

    /// Returns a command that runs as a user that PostgreSQL accepts: it refuses root.
    fn server(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match is_root() {
            true => Command::new("runuser"),
            false => Command::new(&program),
        };
        if is_root() {
            command.args(["-u", "postgres", "--"]).arg(program);
        }
        command.current_dir("/");
        command
    }

    /// Returns whether a login works.
    fn accepts(&self, user: &str, password: &str) -> bool {
        let port = self.port.to_string();
        let asked = Command::new(self.programs.join("psql"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-U",
                user,
                "-d",
                "postgres",
                "-c",
                "SELECT 1",
            ])
            .env("PGPASSWORD", password)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.unwrap().success()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let stop = ["stop", "-m", "immediate", "-D"];
        // Then it has ended.
        let _ = self
            .server("pg_ctl")
            .args(stop)
            .arg(data)
            .stdout(Stdio::null())
            .status();
    }
}

fn is_root() -> bool {
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|own| own.uid() == 0)
}

/// The two parts of a login.
#[derive(PartialEq)]
struct Login {
    user: String,
    password: String,
}

fn login(secret: &Secret) -> Result<Login, SourceError> {
    let json: serde_json::Value = serde_json::from_slice(secret.expose_secret())
        .map_err(|_| SourceError::invalid("not the JSON of a login"))?;
    let part = |name: &str| json[name].as_str().map(str::to_owned);
    match (part("username"), part("password")) {
        (Some(user), Some(password)) => Ok(Login { user, password }),
        _ => Err(SourceError::invalid("not a login")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_of_a_database_never_ends_in_use() {
    let test = "login_of_a_database_never_ends_in_use";
    let Some(bao) = Bao::start(test).await else {
        return;
    };
    let Some(postgres) = Postgres::start(test) else {
        return;
    };
    let url = format!(
        "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres?sslmode=disable",
        postgres.port
    );
    bao.bao(&["secrets", "enable", "database"]);
    bao.bao(&[
        "write",
        "database/config/pg",
        "plugin_name=postgresql-database-plugin",
        "allowed_roles=app",
        "username=postgres",
        "password=pw",
        &format!("connection_url={url}"),
    ]);
    bao.bao(&[
        "write",
        "database/roles/app",
        "db_name=pg",
        "default_ttl=6s",
        "max_ttl=15s",
        r#"creation_statements=CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'"#,
    ]);
    let token = source_fn(|| async { Ok::<_, SourceError>(Secret::from("root")) });
    let source = VaultSource::read(
        &*bao.address(),
        "database/creds/app",
        VaultAuth::token(token),
    );
    let source = source.unwrap().try_map(|secret| login(&secret));
    let logins = Rotating::start(source).await.expect("a login");

    // Beyond the longest life of a login.
    let until = Instant::now() + Duration::from_secs(20);
    let mut used = 0;
    while Instant::now() < until {
        let current = logins.current();
        assert!(
            postgres.accepts(&current.user, &current.password),
            "after {used} logins"
        );
        used += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let generations = logins.current().generation().get();
    println!("{used} logins worked, with {generations} roles");
    assert!(
        (2..=4).contains(&generations),
        "renewed, and then replaced: {generations}"
    );

    bao.bao(&["lease", "revoke", "-sync", "-prefix", "database/creds/app"]);
    let revoked = logins.current();
    assert!(!postgres.accepts(&revoked.user, &revoked.password));
    let newer = logins.refresh_newer_than(revoked.generation()).await;
    let newer = newer.expect("another login");
    assert!(postgres.accepts(&newer.user, &newer.password));
}
